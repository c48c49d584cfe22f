//! Compiles the network's C for the target that Cargo builds for.

fn main() {
    println!("cargo:rerun-if-changed=c");
    cc::Build::new()
        .files(["c/@{name}.c", "c/@{name}_test.c", "c/@{name}_rust.c"])
        .include("c")
        .flag_if_supported("-std=c99")
        // Debug builds, too: without it the network is many times slower.
        .opt_level(2)
        .compile("@{name}_network");
}
