//! The settings of an Argo CD of your own, which signs in through Dex and SAML.

use std::fmt::Write as _;

use super::super::escape::json_string;
use super::plan::{NAMESPACE, Plan, Role};

/// What an editor may do, which Argo CD has no role for.
const EDITOR: [&str; 5] = [
    "p, role:editor, applications, *, */*, allow",
    "p, role:editor, applicationsets, *, */*, allow",
    "p, role:editor, logs, get, */*, allow",
    "p, role:editor, repositories, get, *, allow",
    "g, role:editor, role:readonly",
];

/// The two ConfigMaps of Argo CD.
pub(super) fn settings(plan: &Plan) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: {NAMESPACE}
  labels:
    app.kubernetes.io/part-of: argocd
data:
  url: https://ARGOCD_HOST
  dex.config: |
    connectors:
      - type: saml
        id: identity-center
        name: IAM Identity Center
        config:
          ssoURL: SIGN_IN_URL
          caData: CERTIFICATE_IN_BASE64
          entityIssuer: https://ARGOCD_HOST/api/dex/callback
          redirectURI: https://ARGOCD_HOST/api/dex/callback
          usernameAttr: email
          emailAttr: email
          groupsAttr: groups
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-rbac-cm
  namespace: {NAMESPACE}
  labels:
    app.kubernetes.io/part-of: argocd
data:
  scopes: {}
  policy.default: \"\"
  policy.csv: |
{}",
        json_string("[groups, email]"),
        policy(plan)
    )
}

/// The lines of `policy.csv`: the group with this ID has this role. A user is known by the email address.
fn policy(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {line}");
    };
    if plan.mappings.iter().any(|mapping| mapping.role == Role::Editor) {
        EDITOR.iter().copied().for_each(&mut line);
    }
    for mapping in &plan.mappings {
        let role = match mapping.role {
            Role::Admin => "role:admin",
            Role::Editor => "role:editor",
            Role::Viewer => "role:readonly",
        };
        for identity in &mapping.identities {
            let email = plan.inventory.user_named(&identity.name);
            let email = email.and_then(|(_, user)| user.email.as_deref());
            let subject = if identity.is_group {
                Some(identity.id.as_str())
            } else {
                email
            };
            line(&format!("# {}", identity.title()));
            match subject {
                // A comma would end the field.
                Some(subject) if !subject.contains([',', '"', '\n']) => line(&format!("g, {subject}, {role}")),
                _ => line("# has no email address by which Argo CD knows a user"),
            }
        }
    }
    text
}
