/work/main/filetests/clients/cudarc/target/debug/deps/cudarc_client-269effd770ca8435.d: src/main.rs

/work/main/filetests/clients/cudarc/target/debug/deps/cudarc_client-269effd770ca8435: src/main.rs

src/main.rs:
