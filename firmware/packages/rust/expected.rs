@{if several}
// Examples: inputs with the outputs that they have to give, byte for byte.
@{else}
// Examples: inputs with the outputs that they have to give, byte for byte, and their classes.
@{end}
// @{labels_are}

use @{name}::{@{type_names}};

@{expected_arrays}
@{if several}

/// Runs an example and returns whether every byte of all outputs is right.
#[allow(dead_code)]
pub fn is_exact(model: &mut @{name}::Model, example: usize) -> bool {
@{outputs_made_indented}
    model.run(@{example_arguments});
    @{outputs_are_right}
}
@{else}

#[allow(dead_code)]
pub const LABELS: [usize; @{count}] = [@{labels}];

/// A class's number, and its name where it has one.
#[allow(dead_code)]
pub const CLASSES: &[&str] = &[
@{classes_rust}
];
@{end}
