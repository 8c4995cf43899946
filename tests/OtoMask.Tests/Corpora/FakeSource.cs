using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

/// <summary>A source that gives the clips it is made with, for tasks whose own need a sound font.</summary>
internal sealed class FakeSource(string name, params SourceClip[] clips) : IClipSource
{
    public string Name => name;

    public IReadOnlyList<string> Packages { get; init; } = [.. clips.Select(clip => clip.Package).Distinct()];

    public IReadOnlyList<string> Dispensable { get; init; } = [];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 1;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render) =>
        [.. clips.Select(clip => (Recording)(() => [clip]))];

    /// <summary>A clip of noise, another one for every <paramref name="number"/>.</summary>
    public static SourceClip Clip(int number, string package, params (string Tag, string Value)[] tags) =>
        new($"clip{number}", FakePackages.Noise(number), package, "GPL-2", tags.ToDictionary(tag => tag.Tag, tag => tag.Value));
}
