//! The running simulation of a rehearsal.

use idc_sim::{Server, Simulation};

use crate::next_step::{NextStep, SetupCommand};
use crate::progress::Lock;
use crate::user_error::UserError;

/// A running simulation, and the lock of the folder where it is kept.
pub(super) struct Rehearsal {
    /// The simulation.
    pub(super) simulation: Simulation,
    /// Holds the folder of `--keep` until this rehearsal ends.
    pub(super) _lock: Option<Lock>,
}

/// An access portal of the simulation.
pub(super) struct AccessPortal {
    /// Its start URL.
    pub(super) start_url: String,
    /// The Region of Identity Center.
    pub(super) region: String,
}

impl Rehearsal {
    pub(super) fn server(&self) -> &Server {
        &self.simulation.server
    }

    /// The access portal, if Identity Center is enabled.
    pub(super) fn portal(&self) -> Option<AccessPortal> {
        let cloud = self.server().cloud();
        let instance = cloud.instances.first()?;
        let [aws, us_gov, china, ..] = instance.start_urls();
        Some(AccessPortal {
            start_url: match cloud.partition() {
                "aws-us-gov" => us_gov,
                "aws-cn" => china,
                _ => aws,
            },
            region: instance.region.clone(),
        })
    }
}

/// Suggests a rehearsal in another folder. Some commands need one that was kept there before, so it is one of a run.
pub(super) fn use_another_folder() -> NextStep {
    SetupCommand::rehearse()
        .placeholder("--keep", "DIR")
        .to("use another folder")
}

/// The error for a file or folder that the rehearsal needs.
#[expect(clippy::needless_pass_by_value, reason = "used in map_err")]
pub(super) fn cannot_start(error: std::io::Error) -> UserError {
    UserError::failed(
        format!("The rehearsal cannot start: {error}."),
        [
            use_another_folder(),
            NextStep::note("free disk space or correct the permissions of the folder"),
        ],
    )
}
