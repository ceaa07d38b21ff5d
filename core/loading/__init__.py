"""From a stack file to a platform, with every fault that the file, its values or its patches have."""
