"""Facts that others publish, one place each: releases, contracts, kernel settings."""
