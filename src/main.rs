//! Calls the library's entry point, nothing else.

fn main() -> std::process::ExitCode {
    connector_doctor::cli::main()
}
