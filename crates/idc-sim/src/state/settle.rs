//! Changes that happen as time passes: tasks of the simulated person, new accounts, and asynchronous operations.

use jiff::Timestamp;

use super::cloud::Cloud;
use super::model::{
    Account, Assignment, CustomerPolicy, MissingRight, Operation, OperationKind, Outcome, PermissionSet, Role,
};
use crate::recorded::Words;

impl Cloud {
    /// Applies all changes that are due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        crate::state::person::perform_due_tasks(self, now);
        let new_accounts: Vec<Account> = self
            .account_requests
            .iter()
            .filter(|request| request.due <= now && !request.has_left)
            .filter_map(|request| request.account.clone())
            .filter(|account| !self.accounts.iter().any(|existing| existing.id == account.id))
            .collect();
        self.accounts.extend(new_accounts);
        let due: Vec<usize> = (0..self.operations.len())
            .filter(|&i| {
                let operation = &self.operations[i];
                operation.outcome == Outcome::Pending && self.is_finished(&operation.request_id, operation.due, now)
            })
            .collect();
        for index in due {
            if self.operations[index].outcome != Outcome::Pending {
                continue;
            }
            let outcome = self.complete_operation(&self.operations[index].clone());
            self.operations[index].outcome = match outcome {
                Ok(()) => Outcome::Succeeded,
                Err(reason) => Outcome::Failed(reason),
            };
        }
    }

    /// Applies the effect of an asynchronous request, or returns the reason why it failed.
    fn complete_operation(&mut self, operation: &Operation) -> Result<(), String> {
        let subject = &operation.subject;
        if let Some(missing) = &operation.missing_right {
            return Err(self.denied_by_iam(subject, missing));
        }
        if self
            .all_accounts()
            .any(|account| account.id == subject.account && account.is_suspended)
        {
            return Err(Words::AccountSuspended.text(&[("account", &subject.account)]));
        }
        match operation.kind {
            OperationKind::Unassign if !self.assignments.contains(subject) => {
                let instance = subject.permission_set.split('/').nth(1).unwrap_or_default();
                return Err(Words::AssignmentMissing.text(&[
                    ("principal", &subject.principal),
                    ("permission_set", &subject.permission_set),
                    ("instance", instance),
                    ("account", &subject.account),
                ]));
            }
            OperationKind::Unassign => {
                self.unassign(subject);
                return Ok(());
            }
            // In all accounts that have it, of which there are none.
            OperationKind::Provision if subject.account.is_empty() => return Ok(()),
            OperationKind::Provision if !self.choices.provisions_without_assignment && !self.is_assigned(subject) => {
                return Err(Words::ProvisionNotFound.text(&[("account", &subject.account)]));
            }
            OperationKind::Provision | OperationKind::Assign => self.provision(subject)?,
        }
        if operation.kind == OperationKind::Assign && !self.assignments.contains(subject) {
            self.record_write(subject.key(), operation.due);
            self.assignments.push(subject.clone());
        }
        Ok(())
    }

    /// Deletes an assignment. The role is deleted together with the last assignment of its permission set in the
    /// account.
    fn unassign(&mut self, subject: &Assignment) {
        self.assignments.retain(|assignment| assignment != subject);
        if !self.is_assigned(subject) {
            // What was requested for all accounts that have the permission set no longer concerns this one.
            let is_obsolete = |operation: &Operation| {
                operation.kind == OperationKind::Provision
                    && operation.outcome == Outcome::Pending
                    && operation.subject.account == subject.account
                    && operation.subject.permission_set == subject.permission_set
            };
            for operation in self.operations.iter_mut().filter(|operation| is_obsolete(operation)) {
                operation.outcome = Outcome::Succeeded;
            }
            self.roles
                .retain(|role| role.account != subject.account || role.permission_set != subject.permission_set);
        }
    }

    /// Returns whether anybody has the permission set in the account.
    fn is_assigned(&self, subject: &Assignment) -> bool {
        self.assignments.iter().any(|assignment| {
            assignment.account == subject.account && assignment.permission_set == subject.permission_set
        })
    }

    /// The reason of a failure for want of the caller's permissions in the management account.
    fn denied_by_iam(&mut self, subject: &Assignment, missing: &MissingRight) -> String {
        let set = self
            .permission_sets
            .iter()
            .find(|set| set.arn == subject.permission_set);
        let name = set.map_or_else(String::new, |set| set.name.clone());
        let resource = format!(
            "arn:{}:iam::{}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{name}_{}",
            self.partition(),
            subject.account,
            self.ids.hex(16)
        );
        let request = self.ids.uuid();
        Words::DeniedByIam.text(&[
            ("caller", &missing.caller),
            ("action", &missing.action),
            ("resource", &resource),
            ("request", &request),
        ])
    }

    /// Returns the ARN of a customer managed policy of a permission set that an account lacks.
    fn missing_policy(&self, account: &str, set: &PermissionSet) -> Option<String> {
        let account = self.all_accounts().find(|candidate| candidate.id == account)?;
        let boundary = set.boundary.as_ref().and_then(CustomerPolicy::of_boundary);
        let mut referenced = set.customer_policies.iter().chain(&boundary);
        let missing = referenced.find(|policy| !account.policies.contains(policy))?;
        Some(format!(
            "arn:{}:iam::{}:policy{}{}",
            self.partition(),
            account.id,
            missing.path,
            missing.name
        ))
    }

    /// Creates the role of a permission set in an account, or updates its policies.
    pub(super) fn provision(&mut self, subject: &Assignment) -> Result<(), String> {
        let Some(set) = self
            .permission_sets
            .iter()
            .find(|set| set.arn == subject.permission_set)
        else {
            return Err("Received a 404 status error: the permission set was not found".to_owned());
        };
        let (name, policies, version) = (set.name.clone(), set.managed_policies.clone(), set.version());
        if let Some(arn) = self.missing_policy(&subject.account, set) {
            return Err(Words::CustomerPolicyMissing.text(&[("arn", &arn)]));
        }
        if !subject.principal.is_empty() && !self.has_principal(subject) {
            let store = self.store_id_of(&subject.permission_set).unwrap_or_default();
            return Err(Words::AssigneeMissing.text(&[
                ("kind", &subject.principal_type),
                ("principal", &subject.principal),
                ("store", &store),
            ]));
        }
        let existing = self
            .roles
            .iter_mut()
            .find(|role| role.account == subject.account && role.permission_set == subject.permission_set);
        if let Some(role) = existing {
            role.managed_policies = policies;
            role.version = version;
            return Ok(());
        }
        self.roles.push(Role {
            account: subject.account.clone(),
            permission_set: subject.permission_set.clone(),
            name: format!("AWSReservedSSO_{name}_{}", self.ids.hex(16)),
            id: self.ids.role_id(),
            managed_policies: policies,
            version,
        });
        Ok(())
    }

    fn has_principal(&self, subject: &Assignment) -> bool {
        self.instances
            .iter()
            .any(|instance| match subject.principal_type.as_str() {
                "USER" => instance.store.users.contains_key(&subject.principal),
                _ => instance.store.groups.contains_key(&subject.principal),
            })
    }

    fn store_id_of(&self, permission_set: &str) -> Option<String> {
        let instance = permission_set.split('/').nth(1)?;
        self.instances
            .iter()
            .find(|candidate| candidate.id() == instance)
            .map(|instance| instance.store.id.clone())
    }
}
