//! PTX: lexer, parser, type check, printer, lowering to simt-ir.
