//! What exists in IAM Identity Center, written so that another tool takes it over: as an [access file](access), for
//! [Terraform](terraform), for [CloudFormation](cloudformation), and for [Argo CD](argo_cd).
//!
//! Each exporter is a pure function of a [`View`] of the [`Inventory`], which is read from the live account. The same inventory
//! always gives the same text, and nothing is created or changed.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//!
//! use idc_setup::export::{Selection, View, access};
//! use idc_setup::ids::{GroupId, InvalidId};
//! use idc_setup::reconcile::Instance;
//! use idc_setup::resources::inventory::{Accounts, Group, Inventory};
//!
//! # fn main() -> Result<(), InvalidId> {
//! let group: GroupId = "9067aabbcc-11111111-2222-4333-8444-555555555555".parse()?;
//! let admins = Group {
//!     name: "Admins".to_owned(),
//!     ..Group::default()
//! };
//! let inventory = Inventory {
//!     instance: Instance {
//!         arn: "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse()?,
//!         store: "d-9067aabbcc".parse()?,
//!         region: "eu-west-1".parse()?,
//!         owner: "123456789012".parse()?,
//!     },
//!     accounts: Accounts::default(),
//!     users: BTreeMap::new(),
//!     groups: BTreeMap::from([(group, admins)]),
//!     memberships: BTreeMap::new(),
//!     groups_read: BTreeSet::new(),
//!     members_read: BTreeSet::new(),
//!     permission_sets: BTreeMap::new(),
//!     assignments: BTreeSet::new(),
//!     assignments_read: BTreeSet::new(),
//!     reads_every_pair: true,
//! };
//! let view = View::new(&inventory, &Selection::All);
//! let export = access::export(&view, "acme");
//! assert_eq!(export.files[0].name, "access.toml");
//! assert!(export.files[0].text.contains("[[group]]\nname = \"Admins\"\n"));
//! # Ok(())
//! # }
//! ```

pub mod access;
pub mod argo_cd;
pub mod cloudformation;
mod escape;
pub mod folder;
mod hcl;
mod labels;
mod set_parts;
pub mod surroundings;
pub mod terraform;
mod toml_text;
mod view;

pub use view::{Assigned, Exported, Member, Selection, View};

use schemars::JsonSchema;
use serde::Serialize;

/// What an exporter returns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// The files. The first one is the main one.
    pub files: Vec<File>,
    /// What people should know: what was left out and why, and what comes next. Each is a sentence or more.
    pub notes: Vec<String>,
    /// What the other tool manages from then on.
    pub exported: Vec<Exported>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct File {
    /// The name, which is also its path in the folder of the export.
    pub name: String,
    /// The content. It contains no control characters other than line breaks.
    pub text: String,
}

impl File {
    fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}
