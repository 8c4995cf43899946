namespace OtoMask.Torch;

/// <summary>The control groups (cgroups, version 1 and 2) that this process is in. What they allow binds together: the least counts.</summary>
/// <remarks>Uses as little as <see cref="KernelFile"/>.</remarks>
internal static class ControlGroups
{
    /// <summary>Where Linux tells of processes and of control groups.</summary>
    public const string Proc = "/proc", Root = "/sys/fs/cgroup";

    /// <summary>The folders of this process's own group for a controller, such as <c>memory</c>, and of all groups above.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="proc">As <see cref="Proc"/>.</param>
    /// <param name="root">As <see cref="Root"/>.</param>
    public static IEnumerable<string> FoldersOf(string controller, string proc = Proc, string root = Root)
    {
        foreach (string line in KernelFile.Lines(Path.Combine(proc, "self", "cgroup")))
        {
            if (line.Split(':', 3) is not [_, var controllers, var own])
                continue;
            string? top = Array.IndexOf(controllers.Split(','), controller) >= 0 ? Path.Combine(root, controller) : controllers.Length == 0 ? root : null;
            if (top is null)
                continue;
            // In a container the group's own name may not be there; its root then is what the container sees.
            for (string? folder = own.Trim('/'); folder is not null; folder = folder.Length == 0 ? null : Path.GetDirectoryName(folder) ?? "")
                yield return Path.Combine(top, folder);
        }
    }

    /// <summary>The least that they allow of something; null where none limits it.</summary>
    /// <param name="controller">The controller.</param>
    /// <param name="file">The file that says so in version 2.</param>
    /// <param name="fileOfVersion1">The same in version 1.</param>
    /// <param name="proc">As <see cref="Proc"/>.</param>
    /// <param name="root">As <see cref="Root"/>.</param>
    public static long? Least(string controller, string file, string fileOfVersion1, string proc = Proc, string root = Root)
    {
        long? least = null;
        foreach (string folder in FoldersOf(controller, proc, root))
        {
            if ((KernelFile.Number(Path.Combine(folder, file)) ?? KernelFile.Number(Path.Combine(folder, fileOfVersion1))) is { } most)
                least = Math.Min(least ?? most, most);
        }
        return least;
    }
}
