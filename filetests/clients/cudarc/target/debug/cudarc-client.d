/work/main/filetests/clients/cudarc/target/debug/cudarc-client: /work/main/filetests/clients/cudarc/src/main.rs
