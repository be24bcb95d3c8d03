//! Every time limit and every budget of retries and room, in one place. `docs/limits.md` is made of this file.
//!
//! A run never waits for AWS without a limit; for a person it waits as long as `--wait` says, or as long as somebody sits
//! before the terminal. A leaf: nothing is imported but time.

use std::time::Duration;

/// To connect to an endpoint
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// One attempt of one call; also how long after an intent a thing may appear that we asked for
pub const CALL_LIMIT: Duration = Duration::from_secs(20);
/// A read with its retries; credentials
pub const READ_LIMIT: Duration = Duration::from_mins(1);
/// Attempts of a read
pub const READ_ATTEMPTS: u32 = 3;
/// The first pause between attempts of a read, which grows
pub const READ_BACKOFF: Duration = Duration::from_millis(300);
/// Attempts of a create, by us
pub const CREATE_ATTEMPTS: u32 = 5;
/// Attempts of a removal, by us
pub const REMOVAL_ATTEMPTS: u32 = 8;
/// Longest wait that a service may ask of us with `RetryAfterSeconds`
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);
/// An asynchronous operation of Identity Center (assignment, provisioning)
pub const OPERATION_LIMIT: Duration = Duration::from_mins(5);
/// A write to show in reads, and in the step's own look; what was just made to be called gone
pub const SPREAD_LIMIT: Duration = Duration::from_secs(30);
/// Rounds of look, plan and change in one step: two are needed at most; more means that what AWS accepted does not show
pub const ROUNDS: usize = 5;
/// A first sign of a new trail's delivery
pub const FIRST_SIGN: Duration = Duration::from_secs(15);
/// Regions that are asked at the same time where nobody tells of all at once
pub const REGIONS_AT_ONCE: usize = 6;
/// Permission sets that are described at the same time; Identity Center takes 20 requests a second in all
pub const SETS_AT_ONCE: usize = 8;

/// The first pause between two looks for what AWS is at work on
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause: they grow by half
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause between two looks for what a person does
pub const PERSON_PAUSE: Duration = Duration::from_secs(3);
/// The longest `--wait`; as good as for ever, where somebody sits before the terminal
pub const LONGEST_WAIT: Duration = Duration::from_hours(168);
/// The person of a `login` without `--wait`
pub const LOGIN_WAIT: Duration = Duration::from_mins(10);
/// A sign-in page in the browser
pub const PAGE_LIFETIME: Duration = Duration::from_mins(10);
/// A device code that does not say how long it is good for
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// The shortest pause between two questions whether a device code was approved
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// What is added to that pause when sso-oidc says `slow_down` (RFC 8628)
pub const SLOW_DOWN: Duration = Duration::from_secs(5);
/// A connection to the sign-in's listener
pub const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// Connections to the sign-in's listener at the same time
pub const MOST_CONNECTIONS: usize = 64;
/// A registration that is good for less is not used any more
pub const REGISTRATION_WINDOW: Duration = Duration::from_mins(15);

/// The AWS CLI, when it is asked
pub const AWS_CLI_LIMIT: Duration = Duration::from_secs(30);
/// To connect to the instance metadata service, which most machines do not have
pub const METADATA_CONNECT_LIMIT: Duration = Duration::from_millis(300);
/// An answer of the instance metadata service, which is asked once
pub const METADATA_READ_LIMIT: Duration = Duration::from_secs(1);
/// By how much a server's clock may be read wrong: a `Date` header has whole seconds, and takes time to come
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);
/// A clock that is off by as much is named as the reason of a refused call ("Signing AWS API requests")
pub const LARGEST_SKEW: Duration = Duration::from_mins(5);
/// From then on a wait says what to do about it
pub const LONG_WAIT: Duration = Duration::from_secs(10);

/// [`FIRST_PAUSE`] in a rehearsal
pub const REHEARSED_FIRST_PAUSE: Duration = Duration::from_millis(60);
/// [`LONGEST_PAUSE`] in a rehearsal
pub const REHEARSED_LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// [`PERSON_PAUSE`] in a rehearsal
pub const REHEARSED_PERSON_PAUSE: Duration = Duration::from_millis(150);
/// What was just made to be called gone, in a rehearsal
pub const REHEARSED_SPREADING: Duration = Duration::from_secs(2);
