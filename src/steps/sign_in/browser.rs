//! The code with PKCE: a browser of this machine signs in and comes back.

use std::time::Duration;

use tokio::time::Instant;

use super::super::facts::Profile;
use super::super::setting::{rerun, trouble};
use super::{INFO, SignIn};
use crate::answers::Key;
use crate::checklist::{Guide, HumanTask, TaskKind, Trouble};
use crate::sso::Grant;
use crate::sso::pkce::{Answer, LIFETIME, SignInPage};

impl SignIn {
    /// Whether the browser's way back to us is open.
    pub(super) fn has_browser(&self, guide: &dyn Guide) -> bool {
        let setting = &self.setting;
        guide.can_ask() && setting.browser.is_local() && !setting.use_device_code
    }

    /// Opens sign-in pages until one comes back with a code; `None` when the time is over.
    pub(super) async fn sign_in_with_browser(
        &self,
        profile: &Profile,
        limit: Duration,
        guide: &dyn Guide,
    ) -> Result<Option<()>, Trouble> {
        let setting = &self.setting;
        let region = setting.instance().await?.region;
        let registration = setting
            .registrar
            .get(&setting.clients, &region, Grant::Code(&profile.start_url))
            .await
            .map_err(|failure| trouble(&INFO, &failure, "idc-setup run --only sign-in --use-device-code"))?;
        let end = Instant::now() + limit;
        loop {
            let page = SignInPage::begin(&setting.clients, &region, &registration)
                .await
                .map_err(|error| {
                    Trouble::failed(
                        format!("Step 8 sign-in: nobody can listen on this machine for the browser: {error}."),
                        "idc-setup run --only sign-in --use-device-code",
                    )
                })?;
            guide.show_task(&INFO, &self.task(&page));
            let waiting = guide.wait(&INFO, "Your sign-in in the browser.");
            match page
                .wait(LIFETIME.min(end.saturating_duration_since(Instant::now())))
                .await
            {
                Answer::Code(code) => {
                    let at = (region.as_str(), profile.start_url.as_str());
                    let token = page.redeem(&setting.clients, at, &registration, &code).await;
                    let token = token.map_err(rerun(&INFO))?;
                    drop(waiting);
                    let path = self.paths()?.token(&profile.session);
                    self.keep_token(profile, &path, &token)?;
                    return Ok(Some(()));
                }
                Answer::Refused(words) => {
                    return Err(Trouble::failed(
                        format!("Step 8 sign-in: the sign-in was refused in the browser ({words})."),
                        "idc-setup run --only sign-in --wait 10m",
                    ));
                }
                // The page in the browser is too old by now: another one, while there is time.
                Answer::TimeIsOver if Instant::now() < end => {}
                Answer::TimeIsOver => return Ok(None),
            }
        }
    }

    fn task(&self, page: &SignInPage) -> HumanTask {
        HumanTask {
            sentence: format!(
                "Sign in as {} in your browser, and allow access.",
                self.setting.text(Key::Username)
            ),
            link: Some(page.address.clone()),
            clicks: "the page → sign in → Allow access; it then says that you can close it".to_owned(),
            details: vec![
                "The first sign-in asks to register an MFA device.".to_owned(),
                "If the browser is on another machine: Ctrl-C, then idc-setup run --use-device-code.".to_owned(),
            ],
            kind: TaskKind::Own,
        }
    }
}
