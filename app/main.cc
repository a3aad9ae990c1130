#include <string>
#include <vector>

#include "app/program.h"

int main(int argc, char** argv) {
    return app::run_command_line(std::vector<std::string>(argv + 1, argv + argc));
}
