using System.Text.Json.Nodes;
using OtoMask.Interop;

namespace OtoMask.Tests.Survival;

/// <summary>What can happen to the file of a checkpoint.</summary>
/// <param name="path">The file, whole.</param>
/// <param name="stateKey">Where its metadata has the state of the run.</param>
internal sealed class CheckpointDamage(string path, string stateKey)
{
    private readonly byte[] whole = File.ReadAllBytes(path);

    public void FlipABit()
    {
        byte[] bytes = [.. whole];
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    public void CutTo(int length) => File.WriteAllBytes(path, whole[..length]);

    public void CutInHalf() => CutTo(whole.Length / 2);

    /// <summary>Writes the checkpoint with another state under a checksum that is right.</summary>
    public void Rewrite(Action<JsonObject> change)
    {
        File.WriteAllBytes(path, whole);
        SafetensorsContent content = SafetensorsFile.Read(path);
        JsonObject state = JsonNode.Parse(content.Metadata[stateKey])!.AsObject();
        change(state);
        SafetensorsFile.Write(path, content.Tensors, new Dictionary<string, string>(content.Metadata) { [stateKey] = state.ToJsonString() });
    }
}
