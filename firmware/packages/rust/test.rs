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
@{if several}
    for example in 0..@{count} {
        assert!(expected::is_exact(&mut model, example));
    }
@{else}
    for (input, output) in expected::INPUTS.iter().zip(&expected::OUTPUTS) {
        assert_eq!(&model.run(input), output);
    }
@{end}
}

#[test]
fn a_reset_begins_anew() {
    let mut arena = Arena::new();
    let mut model = Model::new(&mut arena);
    for _ in 0..2 {
@{if several}
        expected::is_exact(&mut model, @{count} - 1);
        model.reset();
        assert!(expected::is_exact(&mut model, 0));
        model.reset();
@{else}
        model.run(&expected::INPUTS[expected::INPUTS.len() - 1]);
        model.reset();
        assert_eq!(model.run(&expected::INPUTS[0]), expected::OUTPUTS[0]);
        model.reset();
@{end}
    }
}
@{more_tests}
