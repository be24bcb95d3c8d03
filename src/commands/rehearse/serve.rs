//! `--serve`: the simulated AWS for other tools, until Ctrl-C or SIGTERM.

use super::super::asked_to_end;
use super::keeping::{begin_keeping, home, keep_world};
use super::{Stage, cannot_start};
use crate::checklist::Trouble;
use crate::cli::RehearseFlags;
use crate::environment::Environment;
use crate::guide::Screen;
use crate::words::quoted;

/// Serves until Ctrl-C. The home folder belongs to the rehearsal too: what follows it must not write into the
/// person's own.
pub(super) async fn serve(
    stage: &Stage,
    flags: &RehearseFlags,
    environment: &Environment,
    screen: Screen,
) -> Result<u8, Trouble> {
    let (home, _temporary) = home(flags).map_err(cannot_start)?;
    let _lock = begin_keeping(stage, flags)?;
    let url = stage.server.url();
    screen.talk(&format!(
        "REHEARSAL: a simulated AWS at {url}. Ctrl-C stops it. In another terminal:"
    ));
    for (name, value) in stage.variables() {
        screen.result(&format!("export {name}={value}"));
    }
    screen.result(&format!("export IDC_SETUP_REHEARSAL={url}"));
    screen.result(&format!("export HOME={}", quoted(&home.display().to_string())));
    if let Some(list) = without_proxy(environment) {
        screen.result(&format!("export NO_PROXY={list}"));
    }
    asked_to_end().await;
    keep_world(stage, flags)?;
    screen.talk("\nThe rehearsal has ended.");
    Ok(0)
}

/// What goes past the proxy of the environment, with this machine among it: other AWS tools send it loopback too.
/// `None` where there is no proxy.
fn without_proxy(environment: &Environment) -> Option<String> {
    let var = |names: [&str; 2]| names.into_iter().find_map(|name| environment.var(name));
    var(["HTTP_PROXY", "http_proxy"]).or_else(|| var(["ALL_PROXY", "all_proxy"]))?;
    let before = var(["NO_PROXY", "no_proxy"]);
    Some(before.map_or_else(
        || "127.0.0.1".to_owned(),
        |before| quoted(&format!("127.0.0.1,{before}")),
    ))
}
