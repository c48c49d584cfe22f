//! @{name}: @{about}.
//!
//! Its outputs equal those of @{oracle}, byte for byte. Everything lies in memory that the caller
//! provides; nothing is allocated, nothing unwinds, and several models can run in several threads.
//!
//! ```
@{if several}
//! use @{name}::{Arena, Model};
//!
//! let mut arena = Arena::new();
//! let mut model = Model::new(&mut arena);
@{outputs_made_commented}
//! model.run(@{zero_arguments});
@{else}
//! use @{name}::{Arena, Model, INPUT_SIZE};
//!
//! let mut arena = Arena::new();
//! let mut model = Model::new(&mut arena);
//! let output = model.run(&[@{zero}; INPUT_SIZE]);
//! assert_eq!(output.len(), @{name}::OUTPUT_SIZE);
@{end}
//! ```
#![no_std]
#![deny(missing_docs)]
#![allow(non_snake_case)]

@{sizes}
/// Bytes of an [`Arena`].
pub const ARENA_SIZE: usize = @{arena_size};
/// Bytes that the network keeps from one inference to the next, within a [`Model`].
pub const STATE_SIZE: usize = @{state_size};
/// The first eight bytes of the SHA-256 of the TFLite file.
pub const MODEL_SHA256_START: [u8; 8] = [@{model_start}];
@{constants}
@{types}

/// The memory in which inferences take place. Make it a `static`, or a variable where the stack is
/// large enough; it holds nothing between inferences.
#[repr(C, align(16))]
pub struct Arena([u8; ARENA_SIZE]);

impl Arena {
    /// Returns an arena of zeros.
    pub const fn new() -> Self {
        Arena([0; ARENA_SIZE])
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

#[repr(C, align(16))]
struct State([u8; STATE_SIZE]);

/// The network, with an arena to run in and with what it keeps from one inference to the next.
pub struct Model<'a> {
    arena: &'a mut Arena,
    state: State,
}

impl<'a> Model<'a> {
    /// Returns a model that has seen no input yet.
    pub fn new(arena: &'a mut Arena) -> Self {
        let mut model = Model { arena, state: State([0; STATE_SIZE]) };
        model.reset();
        model
    }

@{if several}
    /// Runs one inference.
    #[allow(clippy::too_many_arguments)]
    pub fn run(
        &mut self,
@{parameters}
    ) {
        // Safety: all are as large as the C has them, aligned, and of this call alone.
@{else}
    /// Runs one inference and returns its output.
    pub fn run(&mut self, input: &Input) -> Output {
        let mut output = [@{zero_result}; OUTPUT_SIZE];
        self.run_into(input, &mut output);
        output
    }

    /// Runs one inference into an output that is there already.
    pub fn run_into(&mut self, input: &Input, output: &mut Output) {
        // Safety: all four are as large as the C has them, aligned, and of this call alone.
@{end}
        unsafe {
            ffi::@{name}_rust_run(
                self.arena.0.as_mut_ptr(),
                self.state.0.as_mut_ptr(),
@{pointers}
            )
        }
    }

    /// Begins anew: what the network keeps from one inference to the next gets its first values. It
    /// does nothing for a network that keeps nothing.
    pub fn reset(&mut self) {
@{reset_rust}    }
}
@{functions}
/// Runs golden vectors and a CRC-32 over the outputs of generated inputs: 0 where this compiler,
/// core and memory give the right bytes, else which check failed.
///
/// # Safety
///
/// It works in memory of its own: two threads must not be in it at once.
pub unsafe fn self_test() -> i32 {
    ffi::@{name}_self_test()
}

mod ffi {
    extern "C" {
        pub fn @{name}_rust_run(
            arena: *mut u8,
            state: *mut u8,
@{foreign_ends}
        );
        pub fn @{name}_self_test() -> i32;
@{foreign}    }
}
