#include "host.h"
#include "simulation.h"
#include "struct_page.h"
