//! Changes that happen as time passes: tasks of the simulated person, new accounts, and asynchronous operations.

use jiff::Timestamp;

use super::cloud::Cloud;
use super::model::{Account, Assignment, Operation, OperationKind, Outcome, Role};

impl Cloud {
    /// Applies all changes that are due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        crate::state::person::perform_due_tasks(self, now);
        let new_accounts: Vec<Account> = self
            .account_requests
            .iter()
            .filter(|request| request.due <= now)
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
        if let Some(action) = &operation.missing_right {
            return Err(format!(
                "Received a 403 status error: Access denied when calling {action} in account {}",
                subject.account
            ));
        }
        if operation.kind == OperationKind::Unassign {
            self.unassign(subject);
            return Ok(());
        }
        self.provision(subject)?;
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
        let has_same_role = |assignment: &Assignment| {
            assignment.account == subject.account && assignment.permission_set == subject.permission_set
        };
        if !self.assignments.iter().any(has_same_role) {
            self.roles
                .retain(|role| role.account != subject.account || role.permission_set != subject.permission_set);
        }
    }

    /// Creates the role of a permission set in an account, or updates its policies.
    fn provision(&mut self, subject: &Assignment) -> Result<(), String> {
        let Some(set) = self
            .permission_sets
            .iter()
            .find(|set| set.arn == subject.permission_set)
        else {
            return Err("Received a 404 status error: the permission set was not found".to_owned());
        };
        let (name, policies, version) = (set.name.clone(), set.managed_policies.clone(), set.version());
        if !subject.principal.is_empty() && !self.has_principal(subject) {
            let store = self.store_id_of(&subject.permission_set).unwrap_or_default();
            return Err(format!(
                "Received a 404 status error: the {} assignee {} was not found in directory {store}",
                subject.principal_type, subject.principal
            ));
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
