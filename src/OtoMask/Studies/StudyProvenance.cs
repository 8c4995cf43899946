namespace OtoMask.Studies;

/// <summary>One task as a study measured on it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Family">events, speech, music or the user's word.</param>
/// <param name="Classes">Number of labels.</param>
/// <param name="Clips">Clips of all splits.</param>
/// <param name="TestClips">Clips tested on.</param>
/// <param name="Hash">SHA-256 of its rows and clips (<see cref="StudyTask"/>).</param>
public sealed record TaskProvenance(string Name, string Family, int Classes, int Clips, int TestClips, string Hash);

/// <summary>What a study's scores were measured on and with: the line of <c>data.json</c>.</summary>
/// <param name="Tasks">The tasks.</param>
/// <param name="PoolClips">Clips to pre-train on.</param>
/// <param name="PoolHash">Hash of that list of clips.</param>
/// <param name="Version">Version of OtoMask, with its commit where it is known.</param>
/// <param name="Machine">Processor, cores in use, libtorch, kernels.</param>
public sealed record StudyProvenance(IReadOnlyList<TaskProvenance> Tasks, int PoolClips, string PoolHash, string Version, string Machine);
