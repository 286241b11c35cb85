#include "host.h"
#include "struct_page.h"
