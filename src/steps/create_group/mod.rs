//! Step 3: a group that contains the user.

mod reads;

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;

use super::context::{Context, rerun, timestamp};
use super::facts::{Group, Instance, User};
use crate::answers::Key;
use crate::aws::AwsError;
use crate::checklist::{
    Change, Consent, Importance, Observed, Permission, Plan, Prompter, Question, Slot, Status, Step, StepInfo,
    UserError,
};
use crate::ids::{GroupId, MembershipKey};
use crate::next_step::SetupCommand;
use crate::progress::{Origin, Resource, ResourceId, ResourceKind, ResourceName, Verb};
use crate::text::quoted;

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 3,
    slug: "create-group",
    title: "Create a group and add the user",
    importance: Importance::Recommended,
    why: "A group lets you grant the same access to other users later, without changing the account again.",
    feeds_others: true,
    permissions: &[
        Permission::look("identitystore:GetGroupId"),
        Permission::look("identitystore:DescribeGroup"),
        Permission::look("identitystore:IsMemberInGroups"),
        Permission::look("identitystore:GetGroupMembershipId"),
        Permission::look("identitystore:DescribeGroupMembership"),
        Permission::change("identitystore:CreateGroup"),
        Permission::change("identitystore:CreateGroupMembership"),
    ],
};

const GROUP_ID: &str = "group_id";

/// Step 3.
pub struct CreateGroup {
    context: Rc<Context>,
    /// The group's ID, from the last check or change.
    group_id: RefCell<Option<GroupId>>,
}

impl CreateGroup {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self {
            context,
            group_id: RefCell::default(),
        }
    }

    /// The membership's name in the state file.
    fn membership_name(&self) -> ResourceName {
        ResourceName::Membership {
            group: self.context.text(Key::Group),
            user: self.context.text(Key::Username),
        }
    }

    /// Determines and records the group's origin: as recorded before, or from the open intents and its creation date.
    async fn settle_group(&self, instance: &Instance, id: &GroupId) -> Result<Resource, UserError> {
        let context = &self.context;
        let name = context.text(Key::Group);
        let mut resource = context.resource(ResourceKind::Group, &name, id);
        let intents = context.open_intents(ResourceKind::Group, &name);
        if !intents.is_empty() {
            let group = context
                .clients
                .identitystore(&instance.region)
                .describe_group()
                .identity_store_id(&instance.store)
                .group_id(id)
                .send()
                .await
                .map_err(|error| rerun(&INFO)(AwsError::of("identitystore:DescribeGroup", error)))?;
            if context.is_ours(&intents, timestamp(group.created_at), group.created_by.as_deref()) {
                resource.origin = Origin::Created;
            }
        }
        context.settle(Verb::Create, ResourceKind::Group, &name, Some(resource.clone()))?;
        Ok(resource)
    }

    /// Determines and records the membership's origin.
    async fn settle_membership(
        &self,
        instance: &Instance,
        group: &GroupId,
        user: &User,
    ) -> Result<Resource, UserError> {
        let context = &self.context;
        let name = self.membership_name();
        let intents = context.open_intents(ResourceKind::GroupMembership, &name);
        let mut resource = context.resource(ResourceKind::GroupMembership, &name, membership_key(group, user));
        if !intents.is_empty()
            && let Some(id) = self
                .find_membership(instance, group, user)
                .await
                .map_err(rerun(&INFO))?
        {
            let membership = context
                .clients
                .identitystore(&instance.region)
                .describe_group_membership()
                .identity_store_id(&instance.store)
                .membership_id(id)
                .send()
                .await
                .map_err(|error| rerun(&INFO)(AwsError::of("identitystore:DescribeGroupMembership", error)))?;
            if context.is_ours(
                &intents,
                timestamp(membership.created_at),
                membership.created_by.as_deref(),
            ) {
                resource.origin = Origin::Created;
            }
        }
        context.settle(
            Verb::Create,
            ResourceKind::GroupMembership,
            &name,
            Some(resource.clone()),
        )?;
        Ok(resource)
    }

    /// Creates the group, and keeps its ID for the membership.
    async fn apply_group(
        &self,
        change: &Change,
        instance: &Instance,
        prompter: &dyn Prompter,
    ) -> Result<(), UserError> {
        let context = &self.context;
        let attempt = |_| self.create_group_once(instance);
        let created = context
            .make(&INFO, change, attempt, || {
                self.find_group(instance, change.name.single())
            })
            .await?;
        if let Some((id, _)) = created {
            self.group_id.replace(Some(id.clone()));
            context.settle(
                change.verb,
                change.kind,
                &change.name,
                Some(created_resource(change, id)),
            )?;
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
        // Without a user, there is no member to add. The next check then reports that it waits for the user.
        let Ok(user) = context.facts.user.get().await else {
            return Ok(());
        };
        let group = self.known_group(instance).await?;
        let attempt = |_| self.create_membership_once(instance, &group, &user);
        let created = context
            .make(&INFO, change, attempt, || self.find_membership(instance, &group, &user))
            .await?;
        if created.is_some() {
            let id = membership_key(&group, &user);
            context.settle(
                change.verb,
                change.kind,
                &change.name,
                Some(created_resource(change, id)),
            )?;
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
        let id = self.find_group(instance, &name).await.map_err(rerun(&INFO))?;
        id.ok_or_else(|| {
            UserError::failed(
                format!("Step 3 create-group: the group {name} does not exist."),
                SetupCommand::again(),
            )
        })
    }
}

/// What identifies the membership of the user in the group.
fn membership_key(group: &GroupId, user: &User) -> MembershipKey {
    MembershipKey {
        group: group.clone(),
        user: user.id.clone(),
    }
}

fn created_resource(change: &Change, id: impl Into<ResourceId>) -> Resource {
    Resource::new(Origin::Created, change.kind, &change.name, id)
}

#[async_trait(?Send)]
impl Step for CreateGroup {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        if self.context.answers.borrow().without_group() {
            return Ok(Observed::done("No group is used.").with("group", "none"));
        }
        let Ok(instance) = self.context.facts.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no identity store yet."));
        };
        let name = self.context.text(Key::Group);
        let id = self.find_group(&instance, &name).await.map_err(rerun(&INFO))?;
        self.group_id.replace(id.clone());
        let Some(id) = id else {
            if self.context.is_external() {
                return Ok(Observed::blocked(
                    format!("The group {name} does not exist, and groups come from your identity provider."),
                    SetupCommand::run().after("provision the group from your identity provider"),
                )
                .or_next(SetupCommand::run().switch("--no-group").to("continue without a group")));
            }
            return Ok(Observed::missing(format!("The group {name} does not exist.")));
        };
        let group = self.settle_group(&instance, &id).await?;
        let observed = |status, summary: String| {
            Observed::new(status, summary)
                .with("group", &name)
                .with(GROUP_ID, &id)
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
        if !self
            .context
            .is_member(&instance, &id, &user)
            .await
            .map_err(rerun(&INFO))?
        {
            return Ok(observed(
                Status::Missing,
                format!("The group {name} exists, without the user {}.", user.name),
            ));
        }
        let membership = self.settle_membership(&instance, &id, &user).await?;
        let done = observed(
            Status::Done,
            format!("The group {name} exists, with the user {}.", user.name),
        );
        self.context.facts.group.set(Group { id });
        Ok(done.of(membership))
    }

    fn questions(&self, _observed: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status != Status::Missing {
            return Ok(plan);
        }
        let (name, user) = (self.context.text(Key::Group), self.context.text(Key::Username));
        let store = self
            .context
            .facts
            .instance
            .now()
            .map_or_else(|| "d-…".to_owned(), |instance| instance.store.into());
        let group_id = observed.evidence.get(GROUP_ID);
        if group_id.is_none() {
            plan.changes.push(Change {
                verb: Verb::Create,
                kind: ResourceKind::Group,
                sentence: format!("Create the group {name} in the Identity Center directory."),
                command: format!(
                    "aws identitystore create-group --identity-store-id {store} --display-name {}",
                    quoted(&name)
                ),
                name: name.clone().into(),
                consent: Consent::Reversible,
            });
        }
        let user_id = self
            .context
            .facts
            .user
            .now()
            .map_or_else(|| "USER_ID".to_owned(), |user| user.id.into());
        plan.changes.push(Change {
            verb: Verb::Create,
            kind: ResourceKind::GroupMembership,
            name: self.membership_name(),
            sentence: format!("Add the user {user} to the group {name}."),
            command: format!(
                "aws identitystore create-group-membership --identity-store-id {store} --group-id {} --member-id UserId={user_id}",
                group_id.map_or("GROUP_ID", String::as_str)
            ),
            consent: Consent::Reversible,
        });
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let instance = self
            .context
            .facts
            .instance
            .get()
            .await
            .map_err(|why| UserError::failed(why, SetupCommand::again()))?;
        match change.kind {
            ResourceKind::Group => self.apply_group(change, &instance, prompter).await,
            _ => self.apply_membership(change, &instance, prompter).await,
        }
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.group]
    }
}
