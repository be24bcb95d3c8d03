//! Identifiers in the formats of the services. The generator is seeded, so that a simulation is reproducible.

use serde::{Deserialize, Serialize};

/// A generator of identifiers. They are random, and long enough not to repeat.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ids {
    random: fastrand::Rng,
}

impl From<Ids> for String {
    /// Returns the state of the generator in hexadecimal, because TOML has no unsigned 64-bit integers.
    fn from(ids: Ids) -> Self {
        format!("{:016x}", ids.random.get_seed())
    }
}

impl TryFrom<String> for Ids {
    type Error = std::num::ParseIntError;

    fn try_from(seed: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&seed, 16).map(Self::seeded)
    }
}

impl Ids {
    /// Creates a generator. The same seed gives the same identifiers in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Creates an independent generator, which gives different identifiers.
    pub fn fork(&mut self) -> Self {
        Self {
            random: self.random.fork(),
        }
    }

    /// Returns `n` lowercase hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        (0..n).map(|_| DIGITS[self.random.usize(0..16)]).collect()
    }

    /// Returns `n` decimal digits.
    pub fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| self.random.digit(10)).collect()
    }

    /// Returns `n` ASCII letters and digits.
    pub fn alphanumeric(&mut self, n: usize) -> String {
        (0..n).map(|_| self.random.alphanumeric()).collect()
    }

    /// Returns a version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let variant = ["8", "9", "a", "b"][self.random.usize(0..4)];
        let parts = [8, 4, 3, 3, 12].map(|digits| self.hex(digits));
        let [first, second, third, fourth, last] = parts;
        format!("{first}-{second}-4{third}-{variant}{fourth}-{last}")
    }

    /// Returns the ID of a user, a group or a membership: a UUID whose third group begins with `70`, as in recordings
    /// since 2025. Stores from before 2022 have the ten digits of the store's ID in front.
    pub fn principal_id(&mut self) -> String {
        let variant = ["8", "9", "a", "b", "c", "d"][self.random.usize(0..6)];
        let [first, second, third, fourth, last] = [8, 4, 2, 3, 12].map(|digits| self.hex(digits));
        format!("{first}-{second}-70{third}-{variant}{fourth}-{last}")
    }

    /// Returns the ID of a role: `AROA` and 17 capital letters and digits.
    pub fn role_id(&mut self) -> String {
        format!("AROA{}", self.alphanumeric(17).to_ascii_uppercase())
    }

    /// Returns an access key ID of temporary credentials.
    pub fn access_key_id(&mut self) -> String {
        format!("ASIA{}", self.alphanumeric(16).to_ascii_uppercase())
    }

    /// Returns a user code for a device authorization: `ABCD-EFGH`.
    pub fn user_code(&mut self) -> String {
        let mut code: String = (0..8).map(|_| self.random.uppercase()).collect();
        code.insert(4, '-');
        code
    }
}
