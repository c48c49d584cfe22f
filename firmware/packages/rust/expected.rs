// Examples: inputs with the outputs that they have to give, byte for byte, and their classes.
// @{labels_are}

use @{name}::{Input, Output};

pub const INPUTS: [Input; @{count}] = [
@{inputs_rust}
];

pub const OUTPUTS: [Output; @{count}] = [
@{outputs_rust}
];

#[allow(dead_code)]
pub const LABELS: [usize; @{count}] = [@{labels}];

/// A class's number, and its name where it has one.
#[allow(dead_code)]
pub const CLASSES: &[&str] = &[
@{classes_rust}
];
