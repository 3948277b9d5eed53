#!/bin/sh
# Check what bin/greet says, with a name and without one.
failed=0
expect() {
    if [ "$1" = "$2" ]; then
        echo "ok: $2"
    else
        echo "FAILED: expected '$2', got '$1'"
        failed=1
    fi
}
expect "$(sh bin/greet Ada)" "Hello, Ada!"
expect "$(sh bin/greet)" "Hello, world!"
exit $failed
