//! Runs the self-test, then classifies the examples and prints what came out.

use std::process::ExitCode;
use std::time::Instant;

use @{name}::{@{used_class}self_test, Arena, Model@{used_output}};

#[path = "../tests/expected/mod.rs"]
mod expected;

@{best_class_rust}@{put}fn main() -> ExitCode {
    // Safety: there is one thread.
    let wrong = unsafe { self_test() };
    if wrong != 0 {
        println!("@{name}: self-test FAILED at check {wrong}");
        return ExitCode::FAILURE;
    }
    println!("@{name}: self-test passed");
    let mut arena = Arena::new();
    let mut model = Model::new(&mut arena);
    let (mut right, mut passed) = (0, true);
    for (example, input) in expected::INPUTS.iter().enumerate() {
        let start = Instant::now();
        let output = model.run(input);
        let elapsed = start.elapsed().as_micros();
        let (found, label) = (class_of(&output), expected::LABELS[example]);
        let exact = output == expected::OUTPUTS[example];
        right += usize::from(found == label);
        passed = passed && exact;
        println!(
            "@{name}: example {example}: class {}, label {}: {}, {elapsed} us{}",
            expected::CLASSES[found],
            expected::CLASSES[label],
            if found == label { "right" } else { "wrong" },
            if exact { "" } else { ", bytes differ" },
        );
    }
    println!("@{name}: {right} of {} right", expected::INPUTS.len());
    println!("@{name}: {}", if passed { "PASSED" } else { "FAILED" });
@{dumped}    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
