namespace OtoMask.Interop;

/// <summary>One of the two ways in which <c>torch.save</c> lays out a pickle and the storages it refers to.</summary>
internal interface IPyTorchContainer : IDisposable
{
    /// <summary>What the pickle describes.</summary>
    object? Root { get; }

    /// <summary>Reads the bytes of a storage, at least <see cref="PickledStorage.Bytes"/> of them.</summary>
    /// <exception cref="InvalidDataException">It is not there, shorter than claimed, or damaged.</exception>
    byte[] ReadStorage(PickledStorage storage);
}
