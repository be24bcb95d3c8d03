//! Signing in with PKCE: a browser on this machine signs in and is redirected back to us.

use std::time::Duration;

use tokio::time::Instant;

use super::session::{NOT_YET, Session, SignedIn};
use crate::limits::PAGE_LIFETIME;
use crate::reconcile::step_error;
use crate::sso::pkce::{Answer, SignInPage};
use crate::sso::{Grant, PortalAddress};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Prompter, TaskKind, while_shown};

impl Session<'_> {
    /// Opens sign-in pages until one returns a code; `None` after the time limit.
    pub(super) async fn sign_in_with_browser(
        &self,
        limit: Duration,
        prompter: &dyn Prompter,
    ) -> Result<Option<SignedIn>, UserError> {
        let by_code = self.again.clone().switch("--use-device-code");
        let grant = Grant::Code(&self.profile.start_url);
        let registration = self.registration(grant).await;
        let registration = registration.map_err(|aws_error| step_error(self.info, &aws_error, by_code.clone()))?;
        let end = Instant::now() + limit;
        loop {
            let page = SignInPage::begin(self.clients, &self.region, &registration).await;
            let page = page.map_err(|error| {
                UserError::failed(
                    format!(
                        "{}: cannot listen on this machine for the browser's response: {error}.",
                        self.info.name()
                    ),
                    by_code.clone(),
                )
            })?;
            self.browser.open_instead(page.address(), &page.opening_address);
            let task = prompter.task(self.info, &self.browser_task(&page), &[]);
            let left = end.saturating_duration_since(Instant::now());
            let answer = while_shown(task.as_ref(), NOT_YET, page.wait(PAGE_LIFETIME.min(left)));
            match answer.await? {
                Answer::Code(code) => {
                    let at = &PortalAddress {
                        region: &self.region,
                        start_url: &self.profile.start_url,
                    };
                    let token = page.redeem(self.clients, at, &registration, &code).await;
                    let token = token.map_err(|aws_error| self.failed(&aws_error))?;
                    drop(task);
                    let registration = registration.to_cached(grant);
                    return Ok(Some(SignedIn { token, registration }));
                }
                Answer::Refused(reason) => {
                    return Err(self.error(format!("the sign-in was refused in the browser ({reason}).")));
                }
                // The page has expired: open another one if there is time left.
                Answer::TimedOut if Instant::now() < end => {}
                Answer::TimedOut => return Ok(None),
            }
        }
    }

    fn browser_task(&self, page: &SignInPage) -> HumanTask {
        HumanTask {
            sentence: format!("Sign in{} in your browser, and allow access.", self.as_whom()),
            brief: "sign in once",
            link: Some(page.address().to_owned()),
            code: None,
            path: String::new(),
            choices: Vec::new(),
            command: None,
            alternatives: self
                .again
                .clone()
                .switch("--use-device-code")
                .to("if the browser is on another machine, press Ctrl-C and sign in with a code")
                .into(),
            afterward: Some(
                "Sign in and choose \"Allow access\". The page then says that you can close it.".to_owned(),
            ),
            help: Vec::new(),
            details: self.sign_in_details(),
            kind: TaskKind::Own,
            proof: None,
        }
    }
}
