"""`python -m aviary_bot`: PID 1 of a bot's container."""

from aviary_bot.launcher import main

raise SystemExit(main())
