//! Identifiers in the shapes the services give them. Seeded, so that a rehearsal repeats itself.

use serde::{Deserialize, Serialize};

/// Makes identifiers; never the same one twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ids {
    random: fastrand::Rng,
}

impl From<Ids> for String {
    /// Where the identifiers go on, in hexadecimal: TOML has no unsigned 64-bit numbers.
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
    /// The same seed gives the same identifiers in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Another source, whose identifiers are others.
    pub fn fork(&mut self) -> Self {
        Self {
            random: self.random.fork(),
        }
    }

    /// `n` lower-case hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        (0..n).map(|_| DIGITS[self.random.usize(0..16)]).collect()
    }

    /// `n` decimal digits.
    pub fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| self.random.digit(10)).collect()
    }

    /// `n` letters and digits.
    pub fn letters(&mut self, n: usize) -> String {
        (0..n).map(|_| self.random.alphanumeric()).collect()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let variant = ["8", "9", "a", "b"][self.random.usize(0..4)];
        let parts = [8, 4, 3, 3, 12].map(|digits| self.hex(digits));
        let [first, second, third, fourth, last] = parts;
        format!("{first}-{second}-4{third}-{variant}{fourth}-{last}")
    }

    /// A principal of a store: the store's digits before a UUID, as newer stores do it.
    pub fn principal(&mut self, store: &str) -> String {
        let digits = store.strip_prefix("d-").unwrap_or("0000000000");
        format!("{digits}-{}", self.uuid())
    }

    /// A temporary access key id.
    pub fn access_key(&mut self) -> String {
        format!("ASIA{}", self.letters(16).to_ascii_uppercase())
    }

    /// A user code as the device page shows it: `ABCD-EFGH`.
    pub fn user_code(&mut self) -> String {
        let mut code: String = (0..8).map(|_| self.random.uppercase()).collect();
        code.insert(4, '-');
        code
    }
}
