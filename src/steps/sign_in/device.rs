//! The device code: shown, and waited for.

use std::time::Duration;

use tokio::time::Instant;

use super::super::context::step_error;
use super::session::{Session, SignedIn};
use crate::aws::AwsError;
use crate::checklist::{HumanTask, Prompter, TaskKind, UserError};
use crate::limits::SLOW_DOWN;
use crate::next_step::NextSteps;
use crate::sso::{self, Authorization, Grant, Poll, Registration};
use aws_config_file::CachedToken;

impl Session<'_> {
    fn show_code(&self, authorization: &Authorization, prompter: &dyn Prompter) {
        prompter.show_task(
            self.info,
            &HumanTask {
                sentence: format!("Approve the sign-in{}.", self.as_whom()),
                link: Some(authorization.page.clone()),
                code: Some(authorization.user_code.clone()),
                clicks: format!(
                    "the page shows the code {}: compare it, then Confirm and Allow",
                    authorization.user_code
                ),
                command: None,
                alternatives: NextSteps::default(),
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
        limit: Duration,
        prompter: &dyn Prompter,
    ) -> Result<Option<SignedIn>, UserError> {
        let end = Instant::now() + limit;
        loop {
            let (registration, authorization) = self.begin().await.map_err(|aws_error| {
                let next = self.again.clone().after("check the portal's address and its Region");
                step_error(self.info, &aws_error, next)
            })?;
            self.show_code(&authorization, prompter);
            let waiting = prompter.wait(self.info, "Your approval in the browser.");
            let code_ends = Instant::now() + authorization.expires_in;
            let good_until = end.min(code_ends);
            match self.poll(&registration, &authorization, good_until).await? {
                Polled::Token(token) => {
                    drop(waiting);
                    let registration = registration.to_keep(Grant::Device);
                    return Ok(Some(SignedIn {
                        token: *token,
                        registration,
                    }));
                }
                // A new code only when the old one is no good: the end of the wait is no reason to show another.
                Polled::CodeIsGone if Instant::now() < end => {}
                Polled::TimeIsOver(_) if code_ends < end => {}
                Polled::TimeIsOver(Some(aws_error)) => return Err(self.failed(&aws_error)),
                _ => return Ok(None),
            }
        }
    }

    /// A device authorization. A kept registration that is not known there any more is made anew.
    async fn begin(&self) -> Result<(Registration, Authorization), AwsError> {
        let begin = async |registration: Registration| {
            let authorization = sso::start(self.clients, &self.region, &registration, &self.profile.start_url).await;
            authorization.map(|authorization| (registration, authorization))
        };
        match begin(self.registration(Grant::Device).await?).await {
            Err(aws_error) if aws_error.is("InvalidClientException") => {
                let anew = self.registrar.get(self.clients, &self.region, Grant::Device).await?;
                begin(anew).await
            }
            other => other,
        }
    }

    async fn poll(
        &self,
        registration: &Registration,
        authorization: &Authorization,
        end: Instant,
    ) -> Result<Polled, UserError> {
        let mut interval = authorization.interval;
        let mut unanswered = false;
        loop {
            let mut without_answer = None;
            match sso::poll(self.clients, registration, authorization).await {
                Ok(Poll::Token(token)) => return Ok(Polled::Token(token)),
                Ok(Poll::Pending) => {}
                Ok(Poll::SlowDown) => interval += SLOW_DOWN,
                Ok(Poll::Expired) => return Ok(Polled::CodeIsGone),
                Ok(Poll::Refused(aws_error)) => {
                    return Err(self.refused_by("the sign-in was refused in the browser", &aws_error));
                }
                // The connection comes and goes while a person is away: ask again.
                Err(aws_error) if aws_error.is_transient() => {
                    unanswered |= !aws_error.outcome_known();
                    without_answer = Some(aws_error);
                }
                // A lost answer may have been the token: its code is used up.
                Err(aws_error) if unanswered && aws_error.is("InvalidGrantException") => return Ok(Polled::CodeIsGone),
                Err(aws_error) => return Err(self.failed(&aws_error)),
            }
            if Instant::now() + interval > end {
                return Ok(Polled::TimeIsOver(without_answer));
            }
            tokio::time::sleep(interval).await;
        }
    }
}

/// The end of polling.
enum Polled {
    /// The person has approved.
    Token(Box<CachedToken>),
    /// The code is used up or too old.
    CodeIsGone,
    /// Nobody came; or nobody knows, where AWS did not answer the last time.
    TimeIsOver(Option<AwsError>),
}
