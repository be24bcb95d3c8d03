//! All time limits, retry budgets and size limits, in one place. `docs/limits.md` is generated from this file.
//!
//! A run never waits for AWS without a limit. It waits for a person as long as `--wait` says, or without a limit at a
//! terminal.

use std::time::Duration;

/// Connecting to an endpoint
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// One attempt of a call; also how long after its intent a requested resource may still appear
pub const CALL_LIMIT: Duration = Duration::from_secs(20);
/// A read, including its retries; getting credentials
pub const READ_LIMIT: Duration = Duration::from_mins(1);
/// Attempts of a read
pub const READ_ATTEMPTS: u32 = 3;
/// The first pause between attempts of a read; later pauses are longer
pub const READ_BACKOFF: Duration = Duration::from_millis(300);
/// Pages of one list
pub const MOST_PAGES: u32 = 1000;
/// All pages of one list
pub const LISTING_LIMIT: Duration = Duration::from_mins(5);
/// A response of a service, in megabytes
pub const LARGEST_ANSWER_MB: usize = 32;
/// The output of a command of the AWS CLI, in megabytes
pub const LARGEST_OUTPUT_MB: u64 = 1;
/// Characters of a message from elsewhere, such as an error message of AWS
pub const LONGEST_MESSAGE: usize = 2000;
/// Reads of a lock file until two name the same holder of the lock
pub const HOLDER_READS: u32 = 100;
/// The pause between those reads
pub const HOLDER_PAUSE: Duration = Duration::from_millis(10);
/// Waiting for the lock of a state file, in `login`
pub const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// Attempts of a create call
pub const CREATE_ATTEMPTS: u32 = 5;
/// Attempts of a delete call
pub const REMOVAL_ATTEMPTS: u32 = 8;
/// The longest pause that a service can request with `RetryAfterSeconds`
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);
/// An asynchronous operation of Identity Center (assignment, provisioning)
pub const OPERATION_LIMIT: Duration = Duration::from_mins(5);
/// How much longer provisioning a permission set may take for each account that has it
pub const PROVISIONING_OF_ONE: Duration = Duration::from_secs(10);
/// The propagation of a write: until reads show it, and until a new resource that reads do not show counts as deleted
pub const PROPAGATION_LIMIT: Duration = Duration::from_secs(30);
/// Rounds of plan, change and read in a step, without the tasks of a person
pub const ROUNDS: usize = 5;
/// The first evidence that a new trail delivers
pub const FIRST_SIGN: Duration = Duration::from_secs(15);
/// Regions that are read concurrently if no single call covers all of them
pub const REGIONS_AT_ONCE: usize = 6;
/// Permission sets that are described concurrently; Identity Center allows 20 requests per second in total
pub const SETS_AT_ONCE: usize = 8;
/// Requests per second to all APIs of Identity Center together
pub const IDENTITY_CENTER_RATE: u32 = 20;
/// The highest value of `IDC_SETUP_REQUESTS_PER_SECOND`, for an organization with a higher quota
pub const MOST_REQUESTS_PER_SECOND: u32 = 1000;
/// Requests to Identity Center that are sent at once before the rate applies
pub const IDENTITY_CENTER_BURST: u32 = 10;
/// Attempts of a read of many items, each with the attempts of a read
pub const PATIENT_READS: u32 = 4;
/// Reads of many items that are made concurrently
pub const READS_AT_ONCE: usize = 8;
/// Accounts whose permission sets are read concurrently from the access portal
pub const PORTAL_READS_AT_ONCE: usize = 8;
/// Changes of many items that are made concurrently
pub const CHANGES_AT_ONCE: usize = 20;
/// Assignments and provisioning requests in progress at once, at first; more while AWS accepts them, fewer after refusals
pub const REQUESTS_AT_FIRST: f64 = 10.0;
/// The smallest number of them
pub const FEWEST_REQUESTS: f64 = 1.0;
/// The largest number of them, after a time without refusals
pub const MOST_REQUESTS: f64 = 15.0;
/// How long AWS must not refuse a request before more than the first number are tried
pub const WITHOUT_REFUSAL: Duration = Duration::from_secs(30);
/// How long an assignment or a provisioning request takes, for estimates; AWS publishes nothing
pub const TYPICAL_OPERATION: Duration = Duration::from_secs(2);
/// The shortest time between two lists of the requests in progress
pub const SHORTEST_POLL: Duration = Duration::from_millis(100);
/// The longest time between two lists of the requests in progress
pub const LONGEST_POLL: Duration = Duration::from_secs(1);
/// The time between two lists of the failed requests
pub const FAILURES_PAUSE: Duration = Duration::from_secs(1);
/// Attempts of an assignment that AWS accepts and that then fails
pub const ATTEMPTS_OF_FAILED: u32 = 3;
/// The pause after the first refusal of an assignment or a provisioning request; it doubles with each one
pub const FIRST_REFUSAL_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause after such a refusal
pub const LONGEST_REFUSAL_PAUSE: Duration = Duration::from_secs(5);
/// Attempts of an assignment or a provisioning request that gets no answer
pub const MOST_REFUSALS: u32 = 8;

/// An access file, and each file or policy that it names, in megabytes
pub const LARGEST_ACCESS_FILE_MB: usize = 4;
/// An access file and all files that it includes together, in megabytes
pub const LARGEST_ACCESS_FILES_MB: usize = 32;
/// The files that an access file includes, also indirectly; and the files and folders that one `include` pattern matches
pub const MOST_ACCESS_FILES: usize = 500;
/// The depth of files that include each other: 1 if only the first file includes others
pub const DEEPEST_INCLUDE: usize = 8;
/// The depth of lists and tables within each other in an access file
pub const DEEPEST_NESTING: usize = 40;
/// The parts of a dotted key of TOML that are read at all
pub const MOST_KEY_PARTS: usize = 400;
/// The values that the aliases of a YAML file stand for
pub const MOST_ALIASED_VALUES: usize = 100_000;

/// The first polling interval for an operation of AWS
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest polling interval for an operation of AWS; each interval is half as long again as the previous one
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The polling interval for a task of a person
pub const PERSON_PAUSE: Duration = Duration::from_secs(3);
/// The longest `--wait`; in effect no limit at a terminal
pub const LONGEST_WAIT: Duration = Duration::from_hours(168);
/// Waiting for the user in `login` without `--wait`
pub const LOGIN_WAIT: Duration = Duration::from_mins(10);
/// A sign-in page in the browser
pub const PAGE_LIFETIME: Duration = Duration::from_mins(10);
/// A device code without an expiration time
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);
/// Device codes that one sign-in shows
pub const MOST_CODES: u32 = 3;
/// From one device code to the next one
pub const CODE_PAUSE: Duration = Duration::from_mins(1);
/// The shortest polling interval for the approval of a device code
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// The increase of that interval when sso-oidc returns `slow_down` (RFC 8628)
pub const SLOW_DOWN: Duration = Duration::from_secs(5);
/// A connection to the listener of the sign-in
pub const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// Concurrent connections to the listener of the sign-in
pub const MOST_CONNECTIONS: usize = 64;
/// A client registration with less time left is no longer used
pub const REGISTRATION_WINDOW: Duration = Duration::from_mins(15);

/// A line of input with `--accessible`, in bytes
pub const LONGEST_INPUT: u64 = 65_536;
/// Invalid lines of input in succession with `--accessible`
pub const MOST_TRIES: u32 = 20;
/// A command of the AWS CLI
pub const AWS_CLI_LIMIT: Duration = Duration::from_secs(30);
/// Connecting to the instance metadata service, which most machines do not have
pub const METADATA_CONNECT_LIMIT: Duration = Duration::from_millis(300);
/// A response of the instance metadata service; there is no retry
pub const METADATA_READ_LIMIT: Duration = Duration::from_secs(1);
/// The accuracy of a server's clock: a `Date` header has whole seconds, and takes time to arrive
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);
/// A clock that is off by this much is reported as the cause of a rejected call ("Signing AWS API requests")
pub const LARGEST_SKEW: Duration = Duration::from_mins(5);
/// An Enter this soon after a key that answers by itself is ignored, because people are used to pressing both
pub const ENTER_HABIT: Duration = Duration::from_millis(500);
/// How long the reader of single keys waits before it checks whether it is still needed
pub const KEY_POLL: Duration = Duration::from_millis(25);
/// How long nothing is printed before an accessible question is asked again
pub const ACCESSIBLE_QUIET: Duration = Duration::from_secs(1);
/// The time between two frames of what is redrawn in place
pub const FRAME: Duration = Duration::from_millis(120);
/// The time between two lines about the progress of an apply where nothing is redrawn
pub const PROGRESS_LINES: Duration = Duration::from_secs(10);
/// How long `git config` can take to return the user's name
pub const GIT_LIMIT: Duration = Duration::from_secs(2);
/// How long calls in flight get to end after the user quits
pub const STOP_GRACE: Duration = Duration::from_secs(10);
/// A second request to end within this time counts as the first one
pub const REPEATED_SIGNAL: Duration = Duration::from_millis(400);
/// A wait longer than this shows what to do about it
pub const LONG_WAIT: Duration = Duration::from_secs(10);

/// [`FIRST_PAUSE`] in a rehearsal
pub const REHEARSED_FIRST_PAUSE: Duration = Duration::from_millis(60);
/// [`LONGEST_PAUSE`] in a rehearsal
pub const REHEARSED_LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// [`PERSON_PAUSE`] in a rehearsal
pub const REHEARSED_PERSON_PAUSE: Duration = Duration::from_millis(150);
/// [`CODE_PAUSE`] in a rehearsal
pub const REHEARSED_CODE_PAUSE: Duration = Duration::from_secs(1);
/// [`PROPAGATION_LIMIT`] for a new resource, in a rehearsal
pub const REHEARSED_PROPAGATION: Duration = Duration::from_secs(2);
