"""Loss functions of score maps and boxes; the kinds in `tasks` choose among them."""
