//! The kinds of constraints in the models, and violations of them.

/// The kind of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// A member is required.
    Required,
    /// The smallest length.
    MinLength,
    /// The largest length.
    MaxLength,
    /// The smallest number.
    MinValue,
    /// The largest number.
    MaxValue,
    /// A pattern.
    Pattern,
    /// An enumeration of values.
    Enumeration,
    /// The type of a value.
    Type,
}

/// A violated constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its kind.
    pub constraint: Constraint,
    /// The value, the member and the constraint, in the format of AWS.
    pub description: String,
}
