"""The code under test: it gives a new colleague access to an AWS account, with boto3."""

import time


class AccessError(Exception):
    """Identity Center did not give the access."""


class Access:
    """Users, groups and permission sets of the Identity Center that a boto3 session belongs to."""

    def __init__(self, session):
        self.admin = session.client("sso-admin")
        self.store = session.client("identitystore")
        instance = self.admin.list_instances()["Instances"][0]
        self.instance = instance["InstanceArn"]
        self.store_id = instance["IdentityStoreId"]

    def user(self, name, given, family, email):
        """Returns the ID of the user with this name. Creates the user if necessary."""
        try:
            return self.store.create_user(
                IdentityStoreId=self.store_id,
                UserName=name,
                DisplayName=f"{given} {family}",
                Name={"GivenName": given, "FamilyName": family},
                Emails=[{"Value": email, "Type": "work", "Primary": True}],
            )["UserId"]
        except self.store.exceptions.ConflictException:
            # The user exists. This is also what a retry sees when the response of the first attempt was lost.
            attribute = {"AttributePath": "userName", "AttributeValue": name}
            return self.store.get_user_id(
                IdentityStoreId=self.store_id, AlternateIdentifier={"UniqueAttribute": attribute}
            )["UserId"]

    def group(self, name, members=()):
        """Creates a group with these users, and returns its ID."""
        group = self.store.create_group(IdentityStoreId=self.store_id, DisplayName=name)["GroupId"]
        for user in members:
            self.store.create_group_membership(
                IdentityStoreId=self.store_id, GroupId=group, MemberId={"UserId": user}
            )
        return group

    def permission_set(self, name, policy):
        """Creates a permission set with this AWS managed policy, and returns its ARN."""
        created = self.admin.create_permission_set(InstanceArn=self.instance, Name=name)
        arn = created["PermissionSet"]["PermissionSetArn"]
        self.admin.attach_managed_policy_to_permission_set(
            InstanceArn=self.instance,
            PermissionSetArn=arn,
            ManagedPolicyArn=f"arn:aws:iam::aws:policy/{policy}",
        )
        return arn

    def assign(self, group, permission_set, account):
        """Gives a group access to an account, and waits until it is there."""
        status = self.admin.create_account_assignment(
            InstanceArn=self.instance,
            PermissionSetArn=permission_set,
            PrincipalType="GROUP",
            PrincipalId=group,
            TargetType="AWS_ACCOUNT",
            TargetId=account,
        )["AccountAssignmentCreationStatus"]
        while status["Status"] == "IN_PROGRESS":
            time.sleep(0.05)
            status = self.admin.describe_account_assignment_creation_status(
                InstanceArn=self.instance,
                AccountAssignmentCreationRequestId=status["RequestId"],
            )["AccountAssignmentCreationStatus"]
        if status["Status"] != "SUCCEEDED":
            raise AccessError(status["FailureReason"])
