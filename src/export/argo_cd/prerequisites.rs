//! What has to be there before, and what goes wrong otherwise.

use super::plan::{Format, Plan};
use crate::aws::Partition;

/// What to know about a format, each in a sentence or two.
pub(super) fn notes(plan: &Plan) -> Vec<String> {
    let options = plan.options;
    match options.format {
        Format::Dex => dex(),
        Format::Kubernetes => vec![
            "Apply it to the cluster that Argo CD runs on, after the capability is ACTIVE. Argo CD finds the cluster by its ARN, not \
             by its address."
                .to_owned(),
            deploy_rights(plan),
        ],
        Format::Json | Format::Cli | Format::Eksctl | Format::Terraform | Format::Cloudformation => capability(plan),
    }
}

fn capability(plan: &Plan) -> Vec<String> {
    let options = plan.options;
    let (cluster, instance) = (&options.cluster, &plan.inventory.instance);
    let mut notes = vec![
        "The role of the capability trusts the service capabilities.eks.amazonaws.com with sts:AssumeRole and sts:TagSession. Wait \
         about 30 seconds after its creation."
            .to_owned(),
        "Who creates the capability needs eks:CreateCapability, iam:PassRole on the role, and the sso: actions for applications, such \
         as sso:CreateApplication and sso:PutApplicationAssignmentConfiguration."
            .to_owned(),
        "The namespace and the instance of Identity Center cannot be changed later. RETAIN is the only deletion policy: what Argo CD \
         has deployed stays if the capability is deleted."
            .to_owned(),
    ];
    if cluster.region != instance.region {
        notes.push(format!(
            "The cluster is in {}, and Identity Center is in {}. That is supported.",
            cluster.region, instance.region
        ));
    }
    match options.format {
        Format::Eksctl => notes.push("It needs eksctl 0.220.0 or later: eksctl create capability -f FILE.".to_owned()),
        Format::Terraform => notes.push("It needs the AWS provider 6.28 or later.".to_owned()),
        Format::Json => notes.push(format!(
            "To use it: aws eks create-capability --region {} --cli-input-json file://FILE",
            cluster.region
        )),
        _ => {}
    }
    notes.push(deploy_rights(plan));
    notes.push(
        "Register each cluster that Argo CD deploys to with a Secret that has its ARN: --format kubernetes prints it."
            .to_owned(),
    );
    notes
}

fn deploy_rights(plan: &Plan) -> String {
    let cluster = &plan.options.cluster;
    let partition = Partition::of_region(&cluster.region).id();
    format!(
        "Argo CD may not deploy anything at first. When the capability is ACTIVE, give its role an access policy: aws eks \
         associate-access-policy --region {} --cluster-name {} --principal-arn {} --policy-arn \
         arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster",
        cluster.region,
        cluster.name,
        plan.role_arn()
    )
}

fn dex() -> Vec<String> {
    vec![
        "The SAML application can be created only in the console: IAM Identity Center > Applications > Add application > custom SAML \
         2.0 application. Its ACS URL and its audience are https://ARGOCD_HOST/api/dex/callback."
            .to_owned(),
        "Map these attributes in the application: Subject to ${user:subject} (persistent), email to ${user:email}, groups to \
         ${user:groups}. The groups arrive as IDs. Then assign the groups to the application."
            .to_owned(),
        "Replace ARGOCD_HOST, SIGN_IN_URL and CERTIFICATE_IN_BASE64 with the values of the application.".to_owned(),
    ]
}
