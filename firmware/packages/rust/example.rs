//! Runs the self-test, then @{does} the examples and prints what came out.

use std::process::ExitCode;
use std::time::Instant;

@{if several}
use @{name}::{self_test, Arena, Model};
@{else}
use @{name}::{@{used_class}self_test, Arena, Model@{used_output}};
@{end}

#[path = "../tests/expected/mod.rs"]
mod expected;

@{if several}
@{if reals}
/// A float in thousandths, the rest cut off.
fn real(value: f32) -> String {
    if !(value.abs() < @{most_real}.0) {
        return "large".to_string();
    }
    let thousandths = (value * 1000.0) as i32;
    let sign = if thousandths < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", thousandths.abs() / 1000, thousandths.abs() % 1000)
}

@{end}
fn print_output(example: usize, name: &str, values: impl ExactSizeIterator<Item = String>) {
    let more = values.len().saturating_sub(@{printed_values});
    let first: Vec<String> = values.take(@{printed_values}).collect();
    print!("@{name}: example {example}: {name}: {}", first.join(" "));
    println!("{}", if more > 0 { format!(" and {more} more") } else { String::new() });
}

@{end}
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
@{if several}
@{outputs_made_indented}
    for example in 0..@{count} {
        let start = Instant::now();
        model.run(@{example_arguments_of_main});
        let elapsed = start.elapsed().as_micros();
        let exact = @{outputs_are_right_in_main};
        right += usize::from(exact);
        passed = passed && exact;
        let verdict = if exact { "exact" } else { "bytes differ" };
        println!("@{name}: example {example}: {verdict}, {elapsed} us");
@{outputs_printed}
    }
    println!("@{name}: {right} of @{count} exact");
@{else}
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
@{end}
    println!("@{name}: {}", if passed { "PASSED" } else { "FAILED" });
@{dumped}    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
