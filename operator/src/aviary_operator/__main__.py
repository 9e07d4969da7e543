"""``python -m aviary_operator``."""

import sys

from aviary_operator.main import main

sys.exit(main())
