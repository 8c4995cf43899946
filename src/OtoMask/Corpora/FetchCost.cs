namespace OtoMask.Corpora;

/// <summary>What fetching would cost now.</summary>
/// <param name="DownloadBytes">Packages to download; 0 when all are here.</param>
/// <param name="DiskBytes">Disk to have free: the packages unpacked, and the largest of them packed.</param>
public sealed record FetchCost(long DownloadBytes, long DiskBytes);
