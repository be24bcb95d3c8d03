//! Step 3: a group that contains the user.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use super::context::WizardContext;
use super::facts::Group;
use crate::answers::Key;
use crate::ids::{GroupId, MembershipKey};
use crate::next_step::SetupCommand;
use crate::progress::{ResourceKind, ResourceName};
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Change, Error, Importance, Instance, Slot, Snapshot, StepInfo, rerun};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::{group, membership};
use crate::user_error::UserError;
use crate::wizard::{Applied, Observed, Prompter, Status, Step, StepPlan};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 3,
    slug: "create-group",
    short: "Group",
    title: "Create a group and add the user",
    importance: Importance::Recommended,
    why: "A group lets you grant the same access to other users later, without changing the account again.",
    feeds_others: true,
    permissions: &[group::PERMISSIONS, membership::PERMISSIONS],
};

/// Step 3.
pub struct CreateGroup {
    context: Rc<WizardContext>,
    /// The group's ID, from the last check or change.
    group_id: RefCell<Option<GroupId>>,
}

impl CreateGroup {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self {
            context,
            group_id: RefCell::default(),
        }
    }

    fn membership_address(&self) -> Address {
        Address::new(ResourceKind::GroupMembership, self.membership_name())
    }

    /// The membership's name in the state file.
    fn membership_name(&self) -> ResourceName {
        ResourceName::Membership {
            group: self.context.text(Key::Group),
            user: self.context.text(Key::Username),
        }
    }

    /// Creates the group, and keeps its ID for the membership.
    async fn apply_group(
        &self,
        change: &Change,
        instance: &Instance,
        prompter: &dyn Prompter,
    ) -> Result<(), UserError> {
        let context = &self.context;
        if let Some(id) = group::make(context, &INFO, instance, change).await? {
            self.group_id.replace(Some(id.clone()));
            context.facts.group.set(Group { id });
            let address = Address::new(ResourceKind::Group, &change.name);
            context.snapshot.set(address, Some(ItemState::Exists));
            prompter.say(Some(&INFO), &format!("Created the group {}.", change.name));
        }
        Ok(())
    }

    async fn apply_membership(
        &self,
        change: &Change,
        instance: &Instance,
        prompter: &dyn Prompter,
    ) -> Result<(), UserError> {
        let context = &self.context;
        let user = context.facts.user.get().await;
        let user = user.map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        let key = MembershipKey {
            group: self.known_group(instance).await?,
            user: user.id,
        };
        if membership::make(context, &INFO, instance, &key, change).await? {
            prompter.say(Some(&INFO), &format!("Added the user {} to the group.", user.name));
        }
        Ok(())
    }

    /// The group's ID, from the last check or change, or else from the directory.
    async fn known_group(&self, instance: &Instance) -> Result<GroupId, UserError> {
        if let Some(id) = self.group_id.borrow().clone() {
            return Ok(id);
        }
        let name = self.context.text(Key::Group);
        let id = group::find(&self.context, instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        id.ok_or_else(|| {
            UserError::failed(
                format!("{}: the group {name} does not exist.", INFO.name()),
                SetupCommand::again(),
            )
        })
    }
}

fn failed(error: Error) -> UserError {
    error.of_step(&INFO, SetupCommand::again())
}

#[async_trait(?Send)]
impl Step for CreateGroup {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        if self.context.answers.borrow().without_group() {
            return Ok(Observed::done("No group is used."));
        }
        let Ok(instance) = self.context.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no identity store yet."));
        };
        let name = self.context.text(Key::Group);
        let id = group::find(&self.context, &instance, &name)
            .await
            .map_err(rerun(&INFO))?;
        self.group_id.replace(id.clone());
        let group_address = Address::new(ResourceKind::Group, name.as_str());
        self.context
            .snapshot
            .set(group_address, id.as_ref().map(|_| ItemState::Exists));
        let Some(id) = id else {
            self.context.snapshot.set(self.membership_address(), None);
            if self.context.is_external() {
                return Ok(Observed::blocked(
                    format!("The group {name} does not exist, and groups come from your identity provider."),
                    SetupCommand::run().after("provision the group from your identity provider"),
                )
                .or_next(SetupCommand::run().switch("--no-group").to("continue without a group")));
            }
            return Ok(Observed::missing(format!("The group {name} does not exist.")));
        };
        let group = group::settle(&self.context, &instance, &name, &id)
            .await
            .map_err(failed)?;
        self.context.facts.group.set(Group { id: id.clone() });
        let observed = |status, summary: String| {
            Observed::new(status, summary)
                .with(|evidence| {
                    evidence.group = Some(name.clone());
                    evidence.group_id = Some(id.clone());
                })
                .of(group.clone())
        };
        let Ok(user) = self.context.facts.user.get().await else {
            let mut waiting = observed(
                Status::Missing,
                format!("The group {name} exists; adding the user waits for step 2."),
            );
            waiting.waits_for = Some(waiting.summary.clone());
            return Ok(waiting);
        };
        // The user's name is known only by now: it can be another one than the default.
        let membership_address = self.membership_address();
        let key = MembershipKey {
            group: id.clone(),
            user: user.id.clone(),
        };
        if !membership::exists(&self.context, &instance, &key)
            .await
            .map_err(rerun(&INFO))?
        {
            self.context.snapshot.set(membership_address, None);
            let missing = format!("The group {name} exists, without the user {}", user.name);
            if self.context.is_external() {
                let mut blocked = observed(
                    Status::Blocked,
                    format!("{missing}, and memberships come from your identity provider."),
                );
                blocked.next = SetupCommand::run()
                    .after("add the user to the group in your identity provider")
                    .into();
                return Ok(blocked);
            }
            return Ok(observed(Status::Missing, format!("{missing}.")));
        }
        self.context.snapshot.set(membership_address, Some(ItemState::Exists));
        let membership = membership::settle(&self.context, &instance, &self.membership_name(), &key)
            .await
            .map_err(failed)?;
        let done = observed(
            Status::Done,
            format!("The group {name} exists, with the user {}.", user.name),
        );
        self.context.facts.membership.set(());
        Ok(done.of(membership))
    }

    fn covers(&self, address: &Address) -> bool {
        matches!(
            address.kind(),
            Some(ResourceKind::Group | ResourceKind::GroupMembership)
        )
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let context = &self.context;
        let Address::Resource(_, name) = &node.address else {
            return Ok(());
        };
        plan.changes.push(if node.address.kind() == Some(ResourceKind::Group) {
            group::creation(context, name.single())
        } else {
            let (group, user) = (self.group_id.borrow(), context.facts.user.now().map(|user| user.id));
            membership::creation(context, name.clone(), group.as_ref(), user.as_ref())
        });
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let instance = self.context.known_instance().await?;
        match change.kind {
            ResourceKind::Group => self.apply_group(change, &instance, prompter).await?,
            _ => self.apply_membership(change, &instance, prompter).await?,
        }
        Ok(Applied::Yes)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.group, &self.context.facts.membership]
    }
}
