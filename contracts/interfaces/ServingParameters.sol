// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IStakes} from "./IStakes.sol";

/// @notice What is fixed for ever when a serving contract is deployed.
/// @param ledger The ledger that fills the sub-accounts.
/// @param stakes Where the providers' stakes lie.
/// @param owner Acknowledges signers for the network; zero: every registered signer counts as acknowledged.
/// @param lockTime Seconds between a refund's request and its payment.
/// @param minLockTime What `MIN_LOCKTIME()` answers.
/// @param minProviderStake Neuron, at least one.
struct ServingParameters {
    address ledger;
    IStakes stakes;
    address owner;
    uint256 lockTime;
    uint256 minLockTime;
    uint256 minProviderStake;
}
