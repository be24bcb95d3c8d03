# What teams usually describe of Identity Center. Policies come before assignments, as the provider's documentation asks.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region     = "us-east-1"
  access_key = "AKIAFOREIGN"
  secret_key = "any"
}

data "aws_ssoadmin_instances" "this" {}
data "aws_caller_identity" "this" {}
data "aws_organizations_organization" "this" {}

locals {
  instance = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  store    = tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]
}

resource "aws_identitystore_user" "ada" {
  identity_store_id = local.store
  display_name      = "Ada Lovelace"
  user_name         = "ada"
  name {
    given_name  = "Ada"
    family_name = "Lovelace"
  }
  emails {
    value = "ada@example.com"
  }
}

# The provider's own acceptance tests create users without an email address.
resource "aws_identitystore_user" "sparse" {
  identity_store_id = local.store
  display_name      = "Sparse"
  user_name         = "sparse"
  name {
    given_name  = "S"
    family_name = "P"
  }
}

resource "aws_identitystore_group" "builders" {
  identity_store_id = local.store
  display_name      = "Builders"
  description       = "People who build"
}

resource "aws_identitystore_group_membership" "ada" {
  identity_store_id = local.store
  group_id          = aws_identitystore_group.builders.group_id
  member_id         = aws_identitystore_user.ada.user_id
}

resource "aws_ssoadmin_permission_set" "power" {
  name             = "Power"
  description      = "For builders"
  instance_arn     = local.instance
  session_duration = "PT4H"
  tags             = { team = "builders" }
}

resource "aws_ssoadmin_managed_policy_attachment" "power" {
  instance_arn       = local.instance
  managed_policy_arn = "arn:aws:iam::aws:policy/PowerUserAccess"
  permission_set_arn = aws_ssoadmin_permission_set.power.arn
}

resource "aws_ssoadmin_permission_set_inline_policy" "power" {
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.power.arn
  inline_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
  })
}

resource "aws_ssoadmin_permissions_boundary_attachment" "power" {
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.power.arn
  permissions_boundary {
    managed_policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
  }
}

resource "aws_ssoadmin_account_assignment" "builders" {
  depends_on = [
    aws_ssoadmin_managed_policy_attachment.power,
    aws_ssoadmin_permission_set_inline_policy.power,
    aws_ssoadmin_permissions_boundary_attachment.power,
  ]
  instance_arn       = local.instance
  permission_set_arn = aws_ssoadmin_permission_set.power.arn
  principal_id       = aws_identitystore_group.builders.group_id
  principal_type     = "GROUP"
  target_id          = data.aws_caller_identity.this.account_id
  target_type        = "AWS_ACCOUNT"
}

resource "aws_organizations_organizational_unit" "team" {
  name      = "Team"
  parent_id = data.aws_organizations_organization.this.roots[0].id
}

resource "aws_s3_bucket" "logs" {
  bucket = "logs-of-a-client-test"
}
