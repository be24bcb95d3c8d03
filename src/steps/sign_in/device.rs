//! The device code: shown, waited for, and the token kept.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::super::facts::Profile;
use super::super::setting::{rerun, trouble};
use super::{INFO, SignIn};
use crate::answers::Key;
use crate::aws_files;
use crate::checklist::{Guide, HumanTask, TaskKind, Trouble};
use crate::files;
use crate::progress::{How, ResourceKind, Verb};
use crate::sso::{self, Authorization, Grant, Poll, Registration};

impl SignIn {
    fn show_code(&self, authorization: &Authorization, guide: &dyn Guide) {
        guide.show_task(
            &INFO,
            &HumanTask {
                sentence: format!("Approve the sign-in as {}.", self.setting.text(Key::Username)),
                link: Some(authorization.page.clone()),
                clicks: format!(
                    "the page shows the code {}: compare it, then Confirm and Allow",
                    authorization.user_code
                ),
                details: vec![
                    "Approve only a code that you asked for yourself, just now.".to_owned(),
                    "The first sign-in asks to register an MFA device.".to_owned(),
                ],
                kind: TaskKind::Own,
            },
        );
    }

    /// Begins device authorizations and asks until one is approved; `None` when the time is over.
    pub(super) async fn sign_in_with_code(
        &self,
        profile: &Profile,
        limit: Duration,
        guide: &dyn Guide,
    ) -> Result<Option<()>, Trouble> {
        let setting = &self.setting;
        let instance = setting.instance().await?;
        let end = Instant::now() + limit;
        let registration = setting
            .registrar
            .get(&setting.clients, &instance.region, Grant::Device)
            .await
            .map_err(rerun(&INFO))?;
        loop {
            let authorization = sso::start(&setting.clients, &instance.region, &registration, &profile.start_url)
                .await
                .map_err(|failure| trouble(&INFO, &failure, "check --start-url and the Region, then: idc-setup run"))?;
            self.show_code(&authorization, guide);
            let waiting = guide.wait(&INFO, "Your approval in the browser.");
            let code_ends = Instant::now() + authorization.expires_in;
            let good_until = end.min(code_ends);
            match self.poll(&registration, &authorization, good_until).await? {
                Polled::Token(token) => {
                    drop(waiting);
                    let path = self.paths()?.token(&profile.session);
                    self.keep_token(profile, &path, &token)?;
                    return Ok(Some(()));
                }
                // A new code only when the old one is no good: the end of the wait is no reason to show another.
                Polled::CodeIsGone if Instant::now() < end => {}
                Polled::TimeIsOver if code_ends < end => {}
                _ => return Ok(None),
            }
        }
    }

    async fn poll(
        &self,
        registration: &Registration,
        authorization: &Authorization,
        end: Instant,
    ) -> Result<Polled, Trouble> {
        let mut interval = authorization.interval;
        let mut unanswered = false;
        loop {
            match sso::poll(&self.setting.clients, registration, authorization).await {
                Ok(Poll::Token(token)) => return Ok(Polled::Token(token)),
                Ok(Poll::Pending) => {}
                Ok(Poll::SlowDown) => interval += Duration::from_secs(5),
                Ok(Poll::Expired) => return Ok(Polled::CodeIsGone),
                Ok(Poll::Refused) => {
                    return Err(Trouble::failed(
                        "Step 8 sign-in: the sign-in was refused in the browser.",
                        "idc-setup run --only sign-in --wait 10m",
                    ));
                }
                // The connection comes and goes while a person is away: ask again.
                Err(failure) if failure.may_pass() => unanswered |= !failure.effect_is_known(),
                // A lost answer may have been the token: its code is used up.
                Err(failure) if unanswered && failure.is("InvalidGrantException") => return Ok(Polled::CodeIsGone),
                Err(failure) => return Err(rerun(&INFO)(failure)),
            }
            if Instant::now() + interval > end {
                return Ok(Polled::TimeIsOver);
            }
            tokio::time::sleep(interval).await;
        }
    }

    pub(super) fn keep_token(
        &self,
        profile: &Profile,
        path: &Path,
        token: &aws_files::CachedToken,
    ) -> Result<(), Trouble> {
        let text = aws_files::token_text(token);
        let kind = ResourceKind::Token;
        let is_new = !path.exists();
        if is_new {
            let mark = Some(files::digest(text.as_bytes()));
            self.setting
                .intend(&INFO, (Verb::Create, kind, &profile.session), mark)?;
        }
        aws_files::write_token(path, &text).map_err(|error| {
            Trouble::failed(
                format!(
                    "Step 8 sign-in: the token cannot be kept in {}: {error}.",
                    path.display()
                ),
                "make room or rights there, then: idc-setup run",
            )
        })?;
        let mut resource = self
            .setting
            .resource(kind, &profile.session, &path.display().to_string());
        if is_new {
            resource.how = How::Made;
        }
        self.setting
            .settle(Verb::Create, kind, &profile.session, Some(resource))
    }
}

/// The end of polling.
enum Polled {
    /// The person has approved.
    Token(Box<aws_files::CachedToken>),
    /// The code is used up or too old.
    CodeIsGone,
    /// Nobody came.
    TimeIsOver,
}
