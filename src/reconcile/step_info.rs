//! The static description of a step, which intents and errors name.

use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::Permission;

/// How much a step matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// Later steps do not work without it.
    Required,
    /// It can be skipped, but should not be.
    Recommended,
    /// It can be skipped.
    Optional,
    /// One of the three recommendations after the steps. It does not affect the exit code unless `--strict` is given.
    Recommendation,
}

impl Importance {
    /// The word on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Recommended => "recommended",
            Self::Optional => "optional",
            Self::Recommendation => "recommendation",
        }
    }
}

/// The static description of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo {
    /// Counted from 1, with the recommendations after the steps. 0: outside the checklist.
    pub number: u8,
    /// The name for `--only` and `--skip`.
    pub slug: &'static str,
    /// The name in the list of steps during the work.
    pub short: &'static str,
    /// The heading.
    pub title: &'static str,
    /// How much the step matters.
    pub importance: Importance,
    /// The reason for the step, in one sentence.
    pub why: &'static str,
    /// Later steps depend on what this step observes, so it is checked even if it is skipped.
    pub feeds_others: bool,
    /// The IAM actions that its reads and changes need: one list for each kind of resource.
    pub permissions: &'static [&'static [Permission]],
}

impl StepInfo {
    /// Whether this is one of the recommendations after the steps.
    pub fn is_recommendation(&self) -> bool {
        self.importance == Importance::Recommendation
    }

    /// The name in messages: `Step 4 (Permission set)`.
    pub fn name(&self) -> String {
        match self.importance {
            _ if self.number == 0 => self.title.to_owned(),
            Importance::Recommendation => format!("Recommendation ({})", self.short),
            _ => format!("Step {} ({})", self.number, self.short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_steps_by_number_and_the_others_by_what_they_are() {
        let info = |number, importance| StepInfo {
            number,
            slug: "x",
            short: "Short",
            title: "A title",
            importance,
            why: "",
            feeds_others: false,
            permissions: &[],
        };
        assert_eq!(info(4, Importance::Required).name(), "Step 4 (Short)");
        assert_eq!(info(10, Importance::Recommendation).name(), "Recommendation (Short)");
        assert_eq!(info(0, Importance::Required).name(), "A title");
    }
}
