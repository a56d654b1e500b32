#include "tests/sim/stories.h"
bool stories_tell(const char *name)
{
    return name == 0;
}
