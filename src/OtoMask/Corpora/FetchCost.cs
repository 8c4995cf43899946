namespace OtoMask.Corpora;

/// <summary>What fetching would cost now.</summary>
/// <param name="DownloadBytes">Packages to download; 0 when all are here.</param>
/// <param name="DiskBytes">Disk to have free: the packages unpacked, the largest of them packed, and about what the clips take.</param>
internal sealed record FetchCost(long DownloadBytes, long DiskBytes);
