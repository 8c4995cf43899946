namespace OtoMask.Corpora;

/// <summary>A labelled sound as its source gives it.</summary>
/// <param name="Name">File name without extension: ASCII, unique within the source.</param>
/// <param name="Samples">Mono at <see cref="ClipLibrary.SampleRate"/>.</param>
/// <param name="Package">The Debian package it comes from.</param>
/// <param name="Licence">The licence that package states for it.</param>
/// <param name="Tags">What is known about the sound, the same keys for all clips of a source; tasks take labels and groups from here.</param>
internal sealed record SourceClip(string Name, float[] Samples, string Package, string Licence, IReadOnlyDictionary<string, string> Tags);

/// <summary>Something that is decoded or rendered in one go, on any thread: an audio file, or all notes of one instrument.</summary>
internal delegate IReadOnlyList<SourceClip> Recording();

/// <summary>Renders <paramref name="events"/> through a sound font to mono samples at <see cref="ClipLibrary.SampleRate"/>.</summary>
internal delegate float[] NoteRenderer(string soundfontPath, IReadOnlyList<MidiEvent> events);

/// <summary>A collection of sounds that Debian packages hold. One source serves several tasks.</summary>
internal interface IClipSource
{
    /// <summary>Folder name of its clips; changes whenever the clips it gives change, so that an old cache is not taken for them.</summary>
    string Name { get; }

    /// <summary>The packages of sounds it reads.</summary>
    IReadOnlyList<string> Packages { get; }

    /// <summary>Those of them that some releases of Debian lack. Without one the source has fewer clips, of no other kind, and says so.</summary>
    IReadOnlyList<string> Dispensable => [];

    /// <summary>Whether it renders notes with fluidsynth.</summary>
    bool NeedsFluidsynth { get; }

    /// <summary>About how much disk its clips take, in MB; measured with the packages of Debian 12.</summary>
    int ClipMegabytes { get; }

    /// <summary>The recordings, in an order that never changes.</summary>
    /// <param name="packages">The packages to read, by name: all of <see cref="Packages"/>, but for those of <see cref="Dispensable"/> that are not to be had.</param>
    /// <param name="render">Renders MIDI; null when <see cref="NeedsFluidsynth"/> is false.</param>
    /// <exception cref="UserErrorException">A package lacks the expected files.</exception>
    IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render);
}
