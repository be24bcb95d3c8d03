//! The device code: shown, waited for, and the token kept.

use std::time::Duration;

use tokio::time::Instant;

use super::super::facts::Profile;
use super::super::setting::{rerun, trouble};
use super::{INFO, SignIn};
use crate::answers::Key;
use crate::aws_files;
use crate::checklist::{Guide, HumanTask, TaskKind, Trouble};
use crate::progress::{How, Resource, ResourceKind};
use crate::sso::{self, Authorization, Poll, Registration};

impl SignIn {
    pub(super) fn show_code(&self, authorization: &Authorization, guide: &dyn Guide) {
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
    pub(super) async fn sign_in(
        &self,
        profile: &Profile,
        limit: Duration,
        guide: &dyn Guide,
    ) -> Result<Option<()>, Trouble> {
        let setting = &self.setting;
        let instance = setting
            .facts
            .instance
            .get()
            .await
            .map_err(|why| Trouble::failed(why, "idc-setup run"))?;
        let end = Instant::now() + limit;
        let registration = setting
            .registrar
            .get(&setting.clients, &instance.region)
            .await
            .map_err(rerun(&INFO))?;
        while Instant::now() < end {
            let authorization = sso::start(&setting.clients, &instance.region, &registration, &profile.start_url)
                .await
                .map_err(|failure| trouble(&INFO, &failure, "check --start-url and the Region, then: idc-setup run"))?;
            self.show_code(&authorization, guide);
            let waiting = guide.wait(&INFO, "Your approval in the browser.");
            let good_until = end.min(Instant::now() + authorization.expires_in);
            if let Some(token) = self.poll(&registration, &authorization, good_until).await? {
                drop(waiting);
                let path = self.paths()?.token(&profile.session);
                self.keep_token(profile, &path, &token)?;
                return Ok(Some(()));
            }
        }
        Ok(None)
    }

    pub(super) async fn poll(
        &self,
        registration: &Registration,
        authorization: &Authorization,
        end: Instant,
    ) -> Result<Option<Box<aws_files::CachedToken>>, Trouble> {
        let mut interval = authorization.interval;
        loop {
            match sso::poll(&self.setting.clients, registration, authorization).await {
                Ok(Poll::Token(token)) => return Ok(Some(token)),
                Ok(Poll::Pending) => {}
                Ok(Poll::SlowDown) => interval += Duration::from_secs(5),
                Ok(Poll::Expired) => return Ok(None),
                Ok(Poll::Refused) => {
                    return Err(Trouble::failed(
                        "Step 8 sign-in: the sign-in was refused in the browser.",
                        "idc-setup run --only sign-in --wait 10m",
                    ));
                }
                // The connection comes and goes while a person is away: ask again.
                Err(failure) if !failure.is_answered() => {}
                Err(failure) => return Err(rerun(&INFO)(failure)),
            }
            if Instant::now() + interval > end {
                return Ok(None);
            }
            tokio::time::sleep(interval).await;
        }
    }

    pub(super) fn keep_token(
        &self,
        profile: &Profile,
        path: &std::path::Path,
        token: &aws_files::CachedToken,
    ) -> Result<(), Trouble> {
        let was_there = path.exists();
        aws_files::write_token(path, token).map_err(|error| {
            Trouble::failed(
                format!(
                    "Step 8 sign-in: the token cannot be kept in {}: {error}.",
                    path.display()
                ),
                "make room or rights there, then: idc-setup run",
            )
        })?;
        let resource = Resource {
            kind: ResourceKind::Token,
            name: profile.session.clone(),
            id: path.display().to_string(),
            how: if was_there { How::Found } else { How::Made },
        };
        self.setting.progress.change(|record| record.keep(resource))?;
        Ok(())
    }
}
