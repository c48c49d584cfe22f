//! Every byte of the outputs is the one that it has to be.

use @{name}::{self_test, Arena, Model};

mod expected;

#[test]
fn self_test_passes() {
    // Safety: no other test calls it.
    assert_eq!(unsafe { self_test() }, 0);
}

#[test]
fn outputs_are_as_expected() {
    let mut arena = Arena::new();
    let mut model = Model::new(&mut arena);
    for (input, output) in expected::INPUTS.iter().zip(&expected::OUTPUTS) {
        assert_eq!(&model.run(input), output);
    }
}

#[test]
fn a_reset_begins_anew() {
    let mut arena = Arena::new();
    let mut model = Model::new(&mut arena);
    for _ in 0..2 {
        model.run(&expected::INPUTS[expected::INPUTS.len() - 1]);
        model.reset();
        assert_eq!(model.run(&expected::INPUTS[0]), expected::OUTPUTS[0]);
        model.reset();
    }
}
@{more_tests}
