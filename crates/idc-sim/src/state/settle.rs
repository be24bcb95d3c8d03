//! What happens by itself as time passes: the human tasks of the simulated person, new accounts, asynchronous operations.

use jiff::Timestamp;

use super::cloud::Cloud;
use super::model::{Account, Assignment, Operation, OperationKind, Outcome, Role};

impl Cloud {
    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, now: Timestamp) {
        crate::state::person::act(self, now);
        let arrived: Vec<Account> = self
            .account_requests
            .iter()
            .filter(|request| request.due <= now)
            .filter_map(|request| request.account.clone())
            .filter(|account| !self.accounts.iter().any(|known| known.id == account.id))
            .collect();
        self.accounts.extend(arrived);
        let due: Vec<usize> = (0..self.operations.len())
            .filter(|&i| {
                let operation = &self.operations[i];
                operation.outcome == Outcome::Pending && self.is_over(&operation.request_id, operation.due, now)
            })
            .collect();
        for index in due {
            let outcome = self.finish(&self.operations[index].clone());
            self.operations[index].outcome = match outcome {
                Ok(()) => Outcome::Succeeded,
                Err(reason) => Outcome::Failed(reason),
            };
        }
    }

    /// The end of an asynchronous request: its effect, or the reason it failed.
    fn finish(&mut self, operation: &Operation) -> Result<(), String> {
        let subject = &operation.subject;
        if let Some(right) = &operation.missing_right {
            return Err(format!(
                "Received a 403 status error: Access denied when calling {right} in account {}",
                subject.account
            ));
        }
        if operation.kind == OperationKind::Unassign {
            self.unassign(subject);
            return Ok(());
        }
        self.provision(subject)?;
        if operation.kind == OperationKind::Assign && !self.assignments.contains(subject) {
            self.note_write(subject.key(), operation.due);
            self.assignments.push(subject.clone());
        }
        Ok(())
    }

    /// The role goes with the last assignment of its set in the account.
    fn unassign(&mut self, subject: &Assignment) {
        self.assignments.retain(|assignment| assignment != subject);
        let same_place = |assignment: &Assignment| {
            assignment.account == subject.account && assignment.permission_set == subject.permission_set
        };
        if !self.assignments.iter().any(same_place) {
            self.roles
                .retain(|role| role.account != subject.account || role.permission_set != subject.permission_set);
        }
    }

    fn provision(&mut self, subject: &Assignment) -> Result<(), String> {
        let Some(set) = self
            .permission_sets
            .iter()
            .find(|set| set.arn == subject.permission_set)
        else {
            return Err("Received a 404 status error: the permission set was not found".to_owned());
        };
        let (name, policies) = (set.name.clone(), set.managed_policies.clone());
        if !subject.principal.is_empty() && !self.knows_principal(subject) {
            let store = self.store_of(&subject.permission_set).unwrap_or_default();
            return Err(format!(
                "Received a 404 status error: the {} assignee {} was not found in directory {store}",
                subject.principal_type, subject.principal
            ));
        }
        let known = self
            .roles
            .iter_mut()
            .find(|role| role.account == subject.account && role.permission_set == subject.permission_set);
        if let Some(role) = known {
            role.managed_policies = policies;
            return Ok(());
        }
        self.roles.push(Role {
            account: subject.account.clone(),
            permission_set: subject.permission_set.clone(),
            name: format!("AWSReservedSSO_{name}_{}", self.ids.hex(16)),
            managed_policies: policies,
        });
        Ok(())
    }

    fn knows_principal(&self, subject: &Assignment) -> bool {
        self.instances
            .iter()
            .any(|instance| match subject.principal_type.as_str() {
                "USER" => instance.store.users.contains_key(&subject.principal),
                _ => instance.store.groups.contains_key(&subject.principal),
            })
    }

    fn store_of(&self, permission_set: &str) -> Option<String> {
        let instance = permission_set.split('/').nth(1)?;
        self.instances
            .iter()
            .find(|candidate| candidate.id() == instance)
            .map(|instance| instance.store.id.clone())
    }
}
