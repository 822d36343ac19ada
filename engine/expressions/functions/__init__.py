"""The functions of expressions, one file per family; ``engine.expressions.builtins`` lists them."""
